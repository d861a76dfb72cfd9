// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// What is judged once an hour, and once at the end.
extension World {
    /// Requests in an hour, against what was due in it.
    func judgeHour() {
        for provider in providers {
            // Every failure earns one more attempt; every connection is due once, and as often as
            // the least time between two refreshes fits into the hour.
            let due =
                Double(provider.temper.connections) * (2 + 3600 / (0.9 * provider.temper.between))
            let allowed = Int(due) + provider.failed + provider.excused + provider.excusedBefore
            if provider.asked > allowed {
                violated(
                    .storm, -1,
                    "provider \(provider.index): \(provider.asked) requests, \(allowed) due")
            }
            // What is earned in one hour may be used in the next.
            provider.excusedBefore = provider.excused + provider.failed
            provider.excused = 0
            provider.failed = 0
            provider.asked = 0
        }
        after(3_600_000) { [self] in judgeHour() }
    }

    /// Everything that lives is fresh and scheduled, and nothing is left lying about.
    func judgeEnd() {
        guard let incarnation, incarnation.isRunning else {
            return violated(.unfinished, -1, "there is no process at the end")
        }
        let refresher = incarnation.vault.refresher
        for (index, subject) in subjects.enumerated() where subject.isStored {
            if subject.isFenced, !subject.isBusy {
                violated(.unfinished, index, "it is fenced, and nobody is at it")
            }
            guard subject.isConnected, grants[subject.grant].isAlive, !isUnread(subject),
                let record = disk.contents.records[subject.key]
            else { continue }
            let isFresh =
                subject.accessExpiry > clock.now || !providers[subject.provider].temper.saysLifetime
                || clock.now < subject.troubleEnd
                || fairMoment(index, from: subject.accessExpiry).map { clock.now < $0 } ?? true
                // What another clock wrote, which was ahead, looks fresh still.
                || clock.now >= subject.plausibleSince
            if !isFresh {
                violated(.unfinished, index, "expired \(clock.now - subject.accessExpiry) ms ago")
            }
            if refresher.deadline(handle: Handle(number: record.slot)) == nil,
                subject.inFlight == 0,
                refresher.shared.withLock({ $0.upkeep.attempts[subject.key] }) == nil
            {
                violated(.unfinished, index, "it is not scheduled")
            }
        }
        let attempts = disk.contents.batches.values.reduce(0) { $0 + $1.open.count }
        let flying = incarnation.network.openCount
        // Attempts that wait for a place, a commit or an answer; any more are forgotten ones.
        if attempts > flying + 2 * StoreLimits.batchAttemptsMax {
            violated(.unfinished, -1, "\(attempts) attempts on record, \(flying) in flight")
        }
        if outcome.lostWithAnswer > outcome.lostAnswers + outcome.crashedInFlight {
            violated(
                .grantWorn, -1,
                "\(outcome.lostWithAnswer) grants lost with \(outcome.lostAnswers) answers and "
                    + "\(outcome.crashedInFlight) requests cut off")
        }
    }
}
