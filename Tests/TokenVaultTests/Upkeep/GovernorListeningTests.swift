// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Requests that are overdue: one failure each, and places that others cannot have.
@Suite struct GovernorListeningTests {
    let start = UnixTime(seconds: 1_700_000_000)

    /// With so many in flight.
    func governor(_ inFlight: Int, of concurrentMax: Int = 8) -> Governor {
        var governor = Governor(.init(concurrentMax: concurrentMax, perSecondMax: 100_000))
        for _ in 0..<inFlight { governor.begin(start) }
        return governor
    }

    @Test func oneThatIsOverdueIsInFlightNoMore() {
        var governor = governor(3)
        governor.beginListening(start, random: 0)
        #expect(governor.inFlight == 2 && governor.listening == 1)
        governor.endListening(.answered, start, random: 0)
        #expect(governor.inFlight == 2 && governor.listening == 0)
    }

    @Test func togetherTheyKeepTheLimit() {
        var governor = governor(4, of: 4)
        for _ in 0..<2 { governor.beginListening(start, random: 0) }
        #expect(governor.admission(start) == .whenOneEnds)
        governor.end(.answered, start, random: 0)
        #expect(governor.admission(start) == .now)
        governor.begin(start)
        #expect(governor.admission(start) == .whenOneEnds)
        governor.endListening(.failed, start, random: 0)
        #expect(governor.admission(start) == .now)
        #expect(!governor.isFullOfListeners)
    }

    @Test func asManyAsTheLimitStopEverything() {
        var governor = governor(2, of: 2)
        governor.beginListening(start, random: 0)
        #expect(!governor.isFullOfListeners)
        governor.beginListening(start, random: 0)
        #expect(governor.isFullOfListeners)
        #expect(governor.admission(start.adding(milliseconds: 3_600_000)) == .whenOneEnds)
    }

    @Test func eachCountsAsOneFailureAndOnlyOnce() {
        var governor = governor(5)
        for _ in 1..<Governor.failuresInARowMax {
            governor.beginListening(start, random: 0)
            governor.endListening(.failed, start, random: 0)
        }
        #expect(governor.health == .up)
        governor.beginListening(start, random: 0)
        #expect(governor.health != .up)
    }

    @Test func whoeverAnswersAfterAllLives() {
        var governor = governor(8)
        for _ in 0..<Governor.failuresInARowMax { governor.beginListening(start, random: 0) }
        #expect(governor.health != .up)
        for _ in 0..<3 { governor.end(.unsent, start, random: 0) }
        #expect(governor.admission(start) != .now)
        governor.endListening(.answered, start, random: 0)
        #expect(governor.health == .up)
        // One, then two, then four.
        #expect(governor.allowance == 1 && governor.admission(start) == .now)
        governor.begin(start)
        governor.end(.answered, start, random: 0)
        #expect(governor.allowance == 2)
    }

    @Test func aFailureDoesNotEndAPause() {
        var governor = governor(8)
        for _ in 0..<Governor.failuresInARowMax { governor.beginListening(start, random: 0) }
        let health = governor.health
        governor.endListening(.failed, start, random: 0)
        governor.endListening(.unsent, start, random: 0)
        #expect(governor.health == health)
    }

    @Test func aPauseThatWasAskedForIsKept() {
        var governor = governor(2)
        governor.beginListening(start, random: 0)
        governor.end(.busy(retryAfterSeconds: 60), start, random: 0)
        governor.endListening(.answered, start, random: 0)
        #expect(governor.health == .busy(until: start.adding(milliseconds: 60_000)))
    }

    @Test func aLateWishForAPauseIsGranted() {
        var governor = governor(1)
        governor.beginListening(start, random: 0)
        governor.endListening(.busy(retryAfterSeconds: 60), start, random: 0)
        #expect(governor.health == .busy(until: start.adding(milliseconds: 60_000)))
        #expect(governor.inFlight == 0)
    }

    @Test func aProbeThatIsOverdueProlongsThePause() throws {
        var governor = governor(5)
        for _ in 0..<5 { governor.end(.failed, start, random: 0) }
        guard case .down(let until) = governor.health else {
            return #expect(Bool(false), "\(governor.health)")
        }
        #expect(governor.admission(until) == .now)
        governor.begin(until)
        let later = until.adding(milliseconds: 15_000)
        governor.beginListening(later, random: 0)
        guard case .down(let next) = governor.health else {
            return #expect(Bool(false), "\(governor.health)")
        }
        #expect(next > later)
        governor.endListening(.answered, later, random: 0)
        #expect(governor.health == .up && governor.allowance == 1)
    }
}
