// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

/// Everything outside the vault, and the judge of what the vault does: the one queue of events,
/// the disk, the providers, the platform, and what is known of each connection from outside.
package final class World: @unchecked Sendable {
    let scenario: Scenario
    let seed: UInt64
    var random: SeededRandom
    let clock = VirtualClock()
    var queue = EventQueue()
    let thread = SingleThread()
    let disk = Disk()
    var providers: [VirtualProvider] = []
    var endpoints: [String: (provider: Int, isRevocation: Bool)] = [:]
    var subjects: [Subject] = []
    var subjectOfKey: [RecordKey: Int] = [:]
    var grants: [Grant] = []
    var history: History
    var outcome: Outcome

    var incarnation: Incarnation?
    var incarnations = 0
    /// What the next process's wall clock is wrong by.
    var nextOffset: Int64 = 0
    /// When a clock last was wrong, or began to be.
    var clockWrong: Int64 = .min
    var lastOffset: Int64 = 0
    /// A crash waits for the next group that becomes durable, or for the next request that is at
    /// its provider.
    var crashesAfterGroup = false
    var crashesInFlight = false
    var roomSince = VirtualClock.start
    let storesApplicationsAtStart: Bool
    var uplink = Uplink.up
    var uplinkSince = VirtualClock.start
    var isUplinkArmed = false
    var uplinkThreshold = 0
    /// While the process stands still: what waits for it.
    var standstill: Standstill?
    /// When a process last went on.
    var thawed = VirtualClock.start
    /// Answers that are listened for after their deadline, of all providers.
    var listeners = 0

    let end: Int64
    /// From here on nothing bad happens any more.
    var faultsEnd: Int64 = 0

    init(_ scenario: Scenario, seed: UInt64) throws(VaultError) {
        self.scenario = scenario
        self.seed = seed
        random = SeededRandom(seed: seed)
        outcome = Outcome(seed: seed)
        end = VirtualClock.start + Int64(scenario.hours) * 3_600_000
        history = History(subjects: 0)
        storesApplicationsAtStart = random.chance(50)
        let count = scenario.providers.lowerBound + random.below(scenario.providers.count)
        // What providers with short lifetimes leave over goes to the others.
        var left = scenario.connections
        for index in 0..<count {
            let share = left / (count - index)
            let temper = Temper(
                &random, scenario, share: share, providers: count,
                isLast: index == count - 1)
            left -= temper.connections
            let provider = VirtualProvider(index, temper)
            providers.append(provider)
            endpoints[provider.tokenURL] = (index, false)
            endpoints[provider.revocationURL] = (index, true)
        }
        history = History(subjects: scenario.connections - left)
        faultsEnd = end - providers.reduce(0) { max($0, recovery($1)) } - Self.quietMilliseconds
        disk.sabotage = scenario.sabotage
        try populate()
    }

    /// Runs a seed to its end.
    package static func run(_ scenario: Scenario, seed: UInt64) throws -> Outcome {
        let openSecrets = SecretArena.shared.openSecretCount
        let world = try World(scenario, seed: seed)
        try world.startProcess()
        world.plan()
        world.advance(to: world.end)
        world.judgeEnd()
        world.shutDown()
        world.queue = EventQueue()
        let kept = SecretArena.shared.openSecretCount - openSecrets
        if kept != 0 { world.violated(.secretsKept, -1, "\(kept) secrets") }
        return world.finished()
    }

    /// Longer than the longest `Retry-After`, past the recovery of the slowest provider.
    static let quietMilliseconds: Int64 = 4_200_000

    /// Makes what is due true, one event after the other, until `moment`.
    func advance(to moment: Int64) {
        while let next = queue.nextMoment, next <= moment { step() }
        clock.now = max(clock.now, moment)
    }

    func step() {
        guard let event = queue.take() else { return }
        clock.now = max(clock.now, event.moment)
        outcome.events += 1
        event.action()
    }

    func after(_ milliseconds: Int64, _ action: @escaping () -> Void) {
        queue.add(clock.now + milliseconds, action)
    }

    /// A moment from `range`, in milliseconds, evenly.
    func between(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

    func below(_ limit: Int) -> Int { random.below(limit) }

    /// Lets the vault do what it can do now, and wakes it when it wants to be woken.
    func settle() {
        guard standstill == nil else { return }
        thread.drain()
        guard let incarnation, incarnation.isRunning else { return }
        var turns = 0
        while true {
            let turn = incarnation.vault.refresher.turn()
            // A turn may have been the process's last.
            let hasRun = thread.drain()
            guard incarnation.isRunning else { return }
            turns += 1
            if turns > Self.turnsMax {
                violated(.stuck, -1, "\(turns) turns at one moment")
                return
            }
            guard case .sleep(let milliseconds) = turn else {
                if turn == .end { return }
                continue
            }
            if hasRun { continue }
            guard let milliseconds else { return }
            if milliseconds == 0 { continue }
            wake(incarnation, clock.now + milliseconds)
            return
        }
    }

    /// The most turns at one moment: no work takes that many.
    static let turnsMax = 100_000

    private func wake(_ incarnation: Incarnation, _ moment: Int64) {
        guard incarnation.wake > moment || incarnation.wake <= clock.now else { return }
        incarnation.wake = moment
        // By number: an alarm set for tomorrow must not keep a dead process and its secrets.
        let number = incarnation.number
        queue.add(moment) { [self] in
            guard let present = self.incarnation, present.number == number,
                present.wake == moment
            else { return }
            settle()
        }
    }

    func violated(_ promise: Violation.Promise, _ subject: Int, _ detail: String) {
        outcome.violationCount += 1
        outcome.broken[promise, default: 0] += 1
        guard outcome.broken[promise, default: 0] <= Outcome.violationsMax else { return }
        outcome.violations.append(
            Violation(
                promise: promise, seed: seed, moment: clock.now, subject: subject, detail: detail,
                story: history.story(of: subject)))
    }

    func note(_ subject: Int, _ kind: History.Kind, _ number: Int64) {
        history.note(clock.now, subject, kind, number)
    }

    private func finished() -> Outcome {
        outcome.connections = subjects.count
        outcome.virtualHours = Double(end - VirtualClock.start) / 3_600_000
        outcome.commits = disk.commits
        outcome.groups = disk.groups
        outcome.hash = history.hash
        return outcome
    }
}
