// SPDX-License-Identifier: Apache-2.0

/// Reads again what nobody could use when it came: this version may know more than the one that
/// kept it, and so may the provider's definition.
struct UnreadReader: Sendable {
    private let types: BearerTypes
    private let providerLifetime: Int64?
    private let applicationLifetime: Int64?
    /// Whether no refresh token outlives the tokens.
    private let isExchange: Bool

    init(_ application: borrowing Application) {
        let provider = application.provider
        types = .refresh(provider)
        providerLifetime = provider.defaultLifetimeSeconds
        applicationLifetime = application.defaultLifetimeSeconds
        isExchange = provider.refreshGrant != .refreshToken
    }

    /// Takes over the tokens of the reply that lies unread in a record. False, with nothing
    /// changed, where there is none that can be used.
    ///
    /// Also where the grant was taken for lost since: what was refused then was the token that this
    /// reply replaced.
    func adopt(
        in record: inout ConnectionRecord, _ now: UnixTime
    ) throws(VaultError) -> Bool {
        guard record.state == .active || record.state == .failed, record.holdsUnread,
            let requestedAt = record.unreadRequestStart, let body = try record.unreadReply(),
            case .tokens(let reply) = Verdict(
                TransportReply(status: 200, body: body), types: types)
        else { return false }
        let terms = ConnectionRecord.Terms(
            reply, requestedAt: requestedAt, providerLifetime: providerLifetime,
            applicationLifetime: applicationLifetime)
        if isExchange { try record.forgetRefreshToken() }
        try record.adopt(reply, terms, requestStart: requestedAt)
        try record.fields.set(ConnectionTag.refreshed, time: now)
        try record.fields.set(ConnectionTag.refreshCount, integer: record.refreshCount + 1)
        return true
    }
}
