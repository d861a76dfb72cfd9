// SPDX-License-Identifier: Apache-2.0

/// What refreshes left callers who wanted a token that lives longer: the next one would bring no
/// more. What the tokens at hand say of that themselves holds for every process; the rest, how long
/// their way here took, is kept in memory only.
struct UnmetMinimums {
    /// The most connections that are remembered; then all are forgotten, which costs a refresh
    /// each.
    static let countMax = 65_536

    private struct Unmet {
        /// How long the token lived that was not enough, from its request on.
        let lifetime: Int64
        /// What was left of it when it was there.
        let left: Int64
    }
    private var unmet: [RecordKey: Unmet] = [:]

    /// A refresh has just brought these tokens, and they live shorter than the caller needs.
    mutating func note(_ key: RecordKey, _ lifetime: RefreshPolicy.Lifetime, _ now: UnixTime) {
        guard let expiry = lifetime.accessTokenExpiry else { return }
        if unmet.count >= Self.countMax { unmet = [:] }
        unmet[key] = Unmet(
            lifetime: expiry.milliseconds(since: lifetime.issued),
            left: expiry.milliseconds(since: now))
    }

    /// Whether a refresh would bring a token that lives for `minimum` milliseconds, as far as
    /// anybody knows: one that lived clearly longer has come since, nobody asked for as much, or
    /// the token at hand is `due` anyway.
    ///
    /// - Parameter refreshed: when a refresh under the provider's present definition brought the
    ///   token at hand; nil where none did.
    func mayBeMet(
        _ key: RecordKey, minimum: Int64, _ lifetime: RefreshPolicy.Lifetime, due: UnixTime?,
        refreshed: UnixTime?, _ now: UnixTime
    ) -> Bool {
        guard let expiry = lifetime.accessTokenExpiry else { return true }
        if let due, due <= now { return true }
        if let refreshed, minimum >= expiry.milliseconds(since: refreshed) { return false }
        guard let unmet = unmet[key], minimum >= unmet.left else { return true }
        // The same lifetime looks a little different each time where the provider names a moment.
        return expiry.milliseconds(since: lifetime.issued) - unmet.lifetime
            > RefreshPolicy.expirySkewMilliseconds
    }

    /// Other tokens, of another grant perhaps.
    mutating func forget(_ key: RecordKey) { if !unmet.isEmpty { unmet[key] = nil } }
    /// Another definition of the provider, perhaps.
    mutating func forgetAll() { if !unmet.isEmpty { unmet = [:] } }
}
