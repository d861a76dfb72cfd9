// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// Which of the system's two clocks is believed when.
@Suite("Clocks of the system") struct ClockAnchorTests {
    /// Two clocks that do as they are told.
    private final class Clocks {
        var boot: Int64 = 5000
        var wall: Int64 = 1_800_000_000_000
        /// How long the thread is held up between the two, at the next readings.
        var delays: [Int64] = []

        func read() -> ClockReading {
            let first = boot
            if let delay = delays.popLast() { pass(delay) }
            return ClockReading(boot: first, wall: wall)
        }

        func pass(_ milliseconds: Int64) {
            boot += milliseconds
            wall += milliseconds
        }
    }

    private func start() -> (Clocks, ClockAnchor) {
        let clocks = Clocks()
        return (clocks, ClockAnchor(clocks.read()))
    }

    @Test func forwardIsFollowedAtOnce() {
        let (clocks, anchor) = start()
        #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
        for step in [1001, 60_000, 8 * 3_600_000, 10 * 365 * 86_400_000] as [Int64] {
            clocks.pass(10)
            clocks.wall += step
            #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
            #expect(anchor.stepBack(clocks.read) == 0)
        }
    }

    @Test func backIsFollowedWhenAllIsMoved() {
        let (clocks, anchor) = start()
        for step in [1001, 3_600_000, 10 * 365 * 86_400_000] as [Int64] {
            let before = anchor.now(clocks.read)
            clocks.pass(10)
            clocks.wall -= step
            #expect(anchor.now(clocks.read) == before.adding(milliseconds: 10))
            #expect(anchor.stepBack(clocks.read) == step)
            #expect(anchor.now(clocks.read) == before.adding(milliseconds: 10))
            anchor.follow(stepBack: step)
            #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
            #expect(anchor.stepBack(clocks.read) == 0)
        }
    }

    @Test func smallStepsDoNotAddUp() {
        let (clocks, anchor) = start()
        var real = clocks.wall
        for step in [600, 400, -500, -1500, 1900] as [Int64] {
            clocks.wall += step
            clocks.pass(1)
            real += 1
            #expect(anchor.now(clocks.read).milliseconds == real)
            #expect(anchor.stepBack(clocks.read) == 0)
        }
        clocks.wall += 101
        #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
    }

    @Test func aThreadThatIsHeldUpSeesNoStep() {
        let (clocks, anchor) = start()
        let before = clocks.wall
        // At the first reading, and at some of those that look closer.
        clocks.delays = [0, 0, 5000, 0, 5000, 5000]
        #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
        #expect(clocks.wall == before + 15_000)
        #expect(anchor.stepBack(clocks.read) == 0)
        // Held up each time there is no telling, and nothing changes.
        clocks.delays = Array(repeating: 5000, count: 100)
        clocks.wall += 60_000
        _ = anchor.now(clocks.read)
        clocks.delays = []
        #expect(anchor.now(clocks.read).milliseconds == clocks.wall)
    }

    @Test func manyThreadsFollowOnce() async {
        let anchor = ClockAnchor(ClockReading(boot: 0, wall: 1000))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 {
                        _ = anchor.now { ClockReading(boot: 0, wall: 3_600_000) }
                    }
                }
            }
        }
        #expect(anchor.now { ClockReading(boot: 0, wall: 3_600_000) }.milliseconds == 3_600_000)
    }

    @Test func nobodySetsTheClockAndNothingEndsASleep() throws {
        let (alarm, start) = (try Alarm(), ContinuousClock.now)
        alarm.wait(milliseconds: 200)
        #expect(start.duration(to: .now) >= .milliseconds(199))
        alarm.ring()
        alarm.wait(milliseconds: nil)
    }

    @Test func theSystemsClocksAgree() {
        let time = SystemTime()
        var wall = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &wall)
        #expect(abs(time.now().seconds - Int64(wall.tv_sec)) <= 2)
        #expect(time.stepBack() == 0)
    }

    @Test("Of many steps back the older ones are taken together, never less than they were")
    func steps() {
        let steps = StepsBack()
        #expect(steps.lag(0) == 0)
        for number in 1...100 { steps.add(upTo: UInt64(number * 10), milliseconds: 1000) }
        #expect(steps.lag(.max) == 0)
        #expect(steps.lag(1001) == 0)
        #expect(steps.lag(1000) == 1000)
        #expect(steps.lag(995) == 1000)
        #expect(steps.lag(990) == 2000)
        for number in 1...100 {
            #expect(steps.lag(UInt64(number * 10)) >= Int64(101 - number) * 1000)
        }
        #expect(steps.lag(0) == 100_000)
    }

    @Test("A vault on a disk follows too: what was stored before is not lent longer")
    func realStore() async throws {
        let home = try TestVault()
        try home.create()
        let clocks = Monitor(ClockReading(boot: 0, wall: 1_800_000_000_000))
        let vault = try Vault.open(
            at: home.path, rootKey: .file(home.keyFile), settings: Vault.Settings(),
            time: FakeTime(clocks), randomness: SystemRandomness())
        let id = try ConnectionID("c")
        func put(expiringIn milliseconds: Int64) async throws {
            try await vault.put(
                id,
                TokenSet(
                    accessToken: Secret(text: "token"),
                    accessTokenExpiry: vault.time.now().adding(milliseconds: milliseconds)))
        }
        try await put(expiringIn: 1_800_000)
        clocks.withLock { $0.wall -= 3_600_000 }
        while vault.time.stepBack() != 0 {
            vault.refresher.alarm.ring()
            await Task.yield()
        }
        #expect(try await vault.withAccessToken(id) { $0.exposed } == "token")
        clocks.withLock { ($0.boot, $0.wall) = ($0.boot + 1_800_000, $0.wall + 1_800_000) }
        #expect(
            await code { try await vault.withAccessToken(id) { _ in } } == .notRefreshable)
        // What is stored from now on is judged by the clock of now.
        try await put(expiringIn: 1_800_000)
        #expect(try await vault.withAccessToken(id) { $0.exposed } == "token")
    }

    private final class FakeTime: TimeSource {
        private let clocks: Monitor<ClockReading>
        private let anchor: ClockAnchor

        init(_ clocks: Monitor<ClockReading>) {
            self.clocks = clocks
            anchor = ClockAnchor(clocks.withLock { $0 })
        }

        func now() -> UnixTime { anchor.now { clocks.withLock { $0 } } }
        func stepBack() -> Int64 { anchor.stepBack { clocks.withLock { $0 } } }
        func follow(stepBack milliseconds: Int64) {
            anchor.follow(stepBack: milliseconds)
        }
    }
}

extension ClockAnchor {
    fileprivate func now(_ read: () -> ClockReading) -> UnixTime { now(read, read) }
}
