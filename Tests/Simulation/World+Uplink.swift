// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// The machine's own way to all providers: it breaks, comes back, and, when everybody tries again
// what was missed, swallows what is sent. So as many answers are outstanding at once as there can
// be.
extension World {
    enum Uplink {
        case up
        /// Nobody can be reached.
        case down
        /// Everything is taken, and nothing comes back.
        case silent
    }

    func scheduleUplink() {
        guard scenario.has(.lateAnswers) else { return }
        after(about(2 * scenario.faultHours)) { [self] in
            guard clock.now < faultsEnd else { return }
            outcome.outages += 1
            note(-1, .fault, -1)
            uplink = .down
            after(between(60_000...Int64(scenario.hours) * 120_000)) { [self] in
                guard uplink == .down else { return }
                restoreUplink()
                guard clock.now < faultsEnd else { return }
                isUplinkArmed = true
                uplinkThreshold = 4 + below(120)
                after(400_000) { [self] in
                    if uplink == .up { isUplinkArmed = false }
                    scheduleUplink()
                }
            }
        }
    }

    /// Everybody asks at once, and nothing comes back: as many are listened for as may be in all.
    func scheduleRush() {
        guard scenario.hasRushes, scenario.has(.lateAnswers) else { return }
        after(about(scenario.faultHours)) { [self] in
            guard clock.now < faultsEnd else { return }
            scheduleRush()
            guard uplink == .up, standstill == nil else { return }
            silenceUplink()
            for index in subjects.indices where subjects[index].isConnected {
                reportRejected(index)
            }
        }
    }

    /// Breaks again as soon as so many are on their way.
    func tryUplink() {
        guard isUplinkArmed, clock.now < faultsEnd,
            providers.reduce(0, { $0 + $1.inFlight }) >= uplinkThreshold
        else { return }
        isUplinkArmed = false
        silenceUplink()
    }

    private func silenceUplink() {
        uplink = .silent
        note(-1, .fault, -2)
        after(between(16_000...300_000)) { [self] in if uplink == .silent { restoreUplink() } }
    }

    func restoreUplink() {
        uplink = .up
        uplinkSince = clock.now
        note(-1, .recovered, -1)
        for provider in providers { answerStalled(provider) }
    }
}
