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

    /// An answer that is out, and two revocations one after the other, each with its deadline.
    static let disconnectMilliseconds: Int64 = 50_000

    /// A disconnect begins, and comes to its end unless the disk is full.
    func expectDisconnected(_ index: Int) {
        let (moment, number, life) = (clock.now, incarnations, subjects[index].life)
        after(Self.disconnectMilliseconds) { [self] in
            guard number == incarnations, incarnation?.isRunning == true, standstill == nil,
                thawed <= moment, disk.room == .enough, roomSince <= moment,
                subjects[index].life == life, subjects[index].isBusy, subjects[index].isFenced
            else { return }
            violated(.disconnectStuck, index, "begun \(clock.now - moment) ms ago")
        }
    }

    /// The platform looks at a light: where the grant is over, the provider has said so, and the
    /// token is of no use any more, it must be red.
    func look(_ index: Int) {
        guard let incarnation, incarnation.isRunning, standstill == nil else { return }
        let subject = subjects[index]
        guard subject.isConnected, incarnation.offset == 0, clock.now < subject.plausibleSince
        else {
            return
        }
        let grant = grants[subject.grant]
        let isKnown =
            !grant.isAlive && grant.refused > incarnation.started
            && clock.now > max(grant.refused, subject.accessExpiry) + Self.toldMilliseconds
        guard isKnown, thawed < grant.refused,
            providers[subject.provider].temper.saysLifetime,
            let status = try? incarnation.vault.status(subject.id)
        else { return }
        if status.light != .red { violated(.deadGrantLooksWell, index, "\(status.light)") }
    }
}
