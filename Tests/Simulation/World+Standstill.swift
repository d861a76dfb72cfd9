// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// Processes that stand still for a while, and go on as if nothing had been.
extension World {
    func scheduleStandstill() {
        guard scenario.has(.freezes) else { return }
        after(about(3 * scenario.restartHours)) { [self] in
            scheduleStandstill()
            guard clock.now < faultsEnd, standstill == nil, incarnation?.isRunning == true else {
                return
            }
            let seconds: [Int64] = [2, 16, 16, 30, 120, 900, 3600]
            let length = min(
                seconds[below(seconds.count)] * 1000, Int64(scenario.hours) * 100_000)
            outcome.standstills += 1
            note(-1, .frozen, length)
            let began = clock.now
            standstill = Standstill(kind: below(3) == 0 ? .machine : .process, began: began)
            after(length) { [self] in if standstill?.began == began { goOn() } }
        }
    }

    /// Something that only a process that runs can do: at once, or when it goes on.
    func inProcess(_ action: @escaping () -> Void) {
        if standstill == nil { action() } else { standstill?.actions.append(action) }
    }

    func goOn() {
        guard let past = standstill else { return }
        standstill = nil
        thawed = clock.now
        note(-1, .thawed, 0)
        // The upkeep's thread may be the first, but nobody looks at a clock before the sockets.
        if below(2) == 0 { settle() }
        for answer in past.answers { answer() }
        for action in past.actions { action() }
        settle()
    }
}
