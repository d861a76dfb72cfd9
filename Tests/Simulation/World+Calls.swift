// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// The platform's calls that wait for an answer: it is told in time that there is none yet.
extension World {
    /// Two of the slowest commits: an answer may be there that is not durable yet.
    static let toldMilliseconds: Int64 = 2000

    /// A call begins that may wait; `callEnded` is its end.
    func callBegan(_ index: Int) -> Int64 {
        subjects[index].calls.append(clock.now)
        return clock.now
    }

    func callEnded(_ index: Int, _ began: Int64, _ number: Int) {
        guard number == incarnations else { return }
        if let place = subjects[index].calls.firstIndex(of: began) {
            subjects[index].calls.remove(at: place)
        }
    }

    /// Whoever waits now must not wait much longer.
    func expectTold(_ index: Int) {
        let (moment, number) = (clock.now, incarnations)
        guard subjects[index].calls.contains(where: { $0 <= moment }) else { return }
        after(Self.toldMilliseconds) { [self] in
            guard number == incarnations, incarnation?.isRunning == true, standstill == nil,
                thawed <= moment, disk.room == .enough, roomSince <= moment
            else { return }
            guard let began = subjects[index].calls.first(where: { $0 <= moment }) else { return }
            violated(.toldLate, index, "it waits for \(clock.now - began) ms")
        }
    }
}
