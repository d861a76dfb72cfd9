// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// How long it may take until a token is fresh again after something that was nobody's fault:
/// computed from the vault's back-off and the provider's limits.
enum Recovery {
    /// The longest wait after so many failures in a row, in milliseconds: an eighth of the
    /// provider's grace, where it has any and it is not over yet.
    static func backOffMilliseconds(_ failures: Int, _ temper: Temper) -> Int64 {
        let doublings = min(max(failures - 1, 0), 9)
        let wait = min(
            RefreshPolicy.backoffMillisecondsMax,
            RefreshPolicy.backoffMillisecondsBase << Int64(doublings))
        guard temper.graceMilliseconds > 0, failures <= RefreshPolicy.urgentAttemptsMax else {
            return wait
        }
        return min(wait, temper.graceMilliseconds / RefreshPolicy.graceParts)
    }

    /// One request from due to durable where nothing is in its way: two of the slowest commits, the
    /// way and a new connection.
    static func requestMilliseconds(_ temper: Temper) -> Int64 {
        Int64(temper.latencyMilliseconds.upperBound) + 1800
    }

    /// What passes at most between the provider's answer and the disk while nothing stands still.
    static let storedMilliseconds: Int64 = 60_000

    /// A provider's `Retry-After` is kept, and up to a tenth more.
    static func kept(_ retryAfter: Int64, now: Int64) -> Int64 {
        retryAfter > now ? retryAfter + (retryAfter - now) / 10 : now
    }
}

extension World {
    /// After a provider, the process or the disk recovered: the longest back-off, one request that
    /// hangs until its deadline, and the backlog of all its connections at the rate that its limits
    /// allow.
    func recovery(_ provider: VirtualProvider) -> Int64 {
        RefreshPolicy.backoffMillisecondsMax
            + Int64(TransportRequest.deadlineMillisecondsDefault)
            + Recovery.requestMilliseconds(provider.temper) + provider.temper.drainMilliseconds
    }

    /// After a failure of one connection's own: its back-off, and a place in the queue.
    func recovery(_ provider: VirtualProvider, failures: Int, retryAfter: Int64) -> Int64 {
        let wait = max(
            clock.now + Recovery.backOffMilliseconds(failures, provider.temper),
            Recovery.kept(retryAfter, now: clock.now))
        return wait + Recovery.requestMilliseconds(provider.temper)
    }

    /// When a refresh that was due before `base` must be done at the latest, after everything that
    /// was in its way; nil where something is in its way right now.
    func fairMoment(_ index: Int, from base: Int64) -> Int64? {
        let subject = subjects[index]
        let provider = providers[subject.provider]
        guard let incarnation, incarnation.isRunning, !incarnation.isDraining,
            incarnation.offset == 0,
            provider.isHealthy, disk.room == .enough, uplink == .up, standstill == nil,
            !isCrowded(provider), !isStuck(provider), provider.suspectedUntil <= clock.now
        else { return nil }
        let recovered = max(
            provider.healthySince,
            Recovery.kept(provider.retryAfter, now: provider.healthySince),
            incarnation.started, roomSince, uplinkSince, thawed, provider.unblockedSince,
            provider.suspectedUntil, provider.carefulSince)
        return max(
            base, subject.troubleEnd, recovered + recovery(provider),
            provider.unstuckSince + provider.temper.drainMilliseconds
                + Recovery.requestMilliseconds(provider.temper))
    }

    /// The last use of a grant as the vault can know it. What was stored long after it was given,
    /// since the machine stood still between, is as old for the vault as it is stored.
    private func heard(_ owner: Int) -> Int64 {
        let (used, stored) = (grants[owner].used, subjects[grants[owner].subject].accessSince)
        guard stored - used > Recovery.storedMilliseconds,
            let idle = providers[grants[owner].provider].temper.idleMilliseconds
        else { return used }
        return stored + idle / 2
    }

    /// A grant died of something that a refresh in time would have put off: until `death`, after
    /// its last use.
    func judgeMissed(_ owner: Int, death: Int64, _ what: String) {
        let index = grants[owner].subject
        guard subjects[index].isConnected, subjects[index].grant == owner,
            !isUnread(subjects[index]), let fair = fairMoment(index, from: heard(owner)),
            fair < death
        else { return }
        violated(.graceMissed, index, "\(what), \(death - fair) ms after it could")
    }
}
