// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Which answers suspect an application, which clear it, and how many grants that may cost.
@Suite struct ApplicationSuspicionTests {
    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    @Test func twoInARowAreEnough() {
        var suspicion = Suspicion()
        let first = suspicion.send()
        check(suspicion.refuse(1, order: first, time(0)))
        check(suspicion.isCareful && !suspicion.isExhausted)
        // The same one again says nothing new.
        check(!suspicion.refuse(1, order: suspicion.send(), time(1)))
        check(!suspicion.isExhausted)
        check(suspicion.refuse(2, order: suspicion.send(), time(2)))
        check(suspicion.isExhausted && suspicion.risked == [1, 2])
    }

    @Test func onlyWhatLeftAfterwardsClearsIt() {
        var suspicion = Suspicion()
        let (first, second) = (suspicion.send(), suspicion.send())
        _ = suspicion.refuse(1, order: first, time(0))
        check(!suspicion.succeed(order: second))
        check(suspicion.isCareful && suspicion.risked.isEmpty)
        let third = suspicion.send()
        check(suspicion.succeed(order: third))
        check(!suspicion.isCareful)
    }

    /// Many answers at once come in any order: which of the two is heard first decides nothing.
    @Test func whoeverLeftBeforeASuccessWasNotRefusedForTheApplicationsSake() {
        for isSuccessFirst in [false, true] {
            var suspicion = Suspicion()
            let orders = (0..<4).map { _ in suspicion.send() }
            if isSuccessFirst { check(suspicion.succeed(order: orders[2])) }
            for handle in 0..<2 {
                let isNews = suspicion.refuse(
                    Handle(number: UInt32(handle)), order: orders[handle], time(0))
                check(isNews != isSuccessFirst)
            }
            if !isSuccessFirst { check(!suspicion.succeed(order: orders[2])) }
            // Still one at a time, until one that leaves now succeeds.
            check(suspicion.isCareful && !suspicion.isExhausted && suspicion.risked.isEmpty)
            check(suspicion.refuse(9, order: orders[3], time(1)) && suspicion.risked == [9])
            check(suspicion.succeed(order: suspicion.send()) && !suspicion.isCareful)
            // What succeeded before a change says nothing of it.
            suspicion.change(.credentials)
            check(suspicion.refuse(1, order: suspicion.send(), time(2)))
        }
    }

    @Test func whatLeftBeforeAChangeSaysNothingOfIt() {
        var suspicion = Suspicion()
        let (first, second) = (suspicion.send(), suspicion.send())
        suspicion.change(.credentials)
        check(suspicion.isCareful && suspicion.predates(second))
        check(!suspicion.refuse(1, order: first, time(0)) && suspicion.risked.isEmpty)
        check(!suspicion.succeed(order: second) && suspicion.change == .credentials)
        suspicion.change(.identity)
        suspicion.change(.credentials)
        check(suspicion.change == .identity)
        check(suspicion.succeed(order: suspicion.send()) && suspicion.change == nil)
    }

    @Test func aProviderThatSaysSoOfGrantsIsAskedOnceMore() {
        var suspicion = Suspicion()
        suspicion.learn()
        let (first, second) = (suspicion.send(), suspicion.send())
        _ = suspicion.refuse(1, order: first, time(0))
        _ = suspicion.refuse(2, order: second, time(0))
        check(!suspicion.isExhausted)
        _ = suspicion.refuse(3, order: suspicion.send(), time(5))
        check(suspicion.isExhausted && !suspicion.mayRiskMore(time(3604)))
        check(suspicion.mayRiskMore(time(3605)))
        // Not after a change.
        suspicion.change(.credentials)
        for handle in (UInt32(1)...2).handles {
            _ = suspicion.refuse(handle, order: suspicion.send(), time(10))
        }
        check(suspicion.isExhausted && !suspicion.mayRiskMore(time(1_000_000)))
    }

    @Test func whatWasRiskedStaysRisked() {
        var suspicion = Suspicion()
        suspicion.change(.credentials)
        for handle in (UInt32(1)...2).handles {
            _ = suspicion.refuse(handle, order: suspicion.send(), time(0))
        }
        // Its user has connected again: another grant, which is not to be risked either.
        suspicion.forget(1)
        check(suspicion.isExhausted && suspicion.risked == [2] && !suspicion.isRisked(1))
        suspicion.clearRefusals()
        check(!suspicion.isExhausted)
    }

    @Test func refusalsAreAskedEverMoreSeldom() {
        let waits = (1...8).map { refusals in
            RefreshPolicy.refused(now: time(0), refusals: refusals, random: 0).seconds
        }
        check(waits == [60, 120, 240, 480, 960, 1920, 3600, 3600])
        let latest = RefreshPolicy.refused(now: time(0), refusals: 99, random: .max)
        check(latest <= time(3960))
    }
}
