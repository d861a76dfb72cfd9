// SPDX-License-Identifier: Apache-2.0

/// Reads again what nobody could use when it came: this version may know more than the one that
/// kept it, and so may the provider's definition.
struct UnreadReader: Sendable {
    private let types: BearerTypes
    private let rules: ReplyRules?
    /// The same where the tokens lie where `UnreadReply` has left them; nil where that is nowhere
    /// else.
    private let rulesOfKept: ReplyRules?
    private let keepsElsewhere: Bool
    private let providerLifetime: Int64?
    private let applicationLifetime: Int64?
    /// Whether no refresh token outlives the tokens.
    private let isExchange: Bool

    init(_ application: borrowing Application) {
        let provider = application.provider
        types = .refresh(provider)
        rules = ReplyRules(provider)
        keepsElsewhere = !(rules?.otherTokens.isEmpty ?? true)
        rulesOfKept = keepsElsewhere ? ReplyRules(provider, hasTokensAtTop: true) : nil
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
            let requestedAt = record.unreadRequestStart, let reply = try reply(in: record)
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

    private func reply(in record: borrowing ConnectionRecord) throws(VaultError) -> TokenReply? {
        if let body = try record.unreadReply(), case .tokens(let reply) = verdict(body, rules) {
            return reply
        }
        guard keepsElsewhere, let body = try record.unreadReply(),
            case .tokens(let reply) = verdict(body, rulesOfKept)
        else { return nil }
        return reply
    }

    /// Its content type was not kept.
    private func verdict(_ body: consuming Secret, _ rules: ReplyRules?) -> Verdict {
        Verdict(
            TransportReply(status: 200, body: body, isForm: true), types: types, rules: rules)
    }
}
