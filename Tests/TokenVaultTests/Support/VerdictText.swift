// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// What a provider's definition makes of an answer to a refresh, in words.
func verdictText(
    _ provider: Provider, _ status: Int, _ body: String?, isForm: Bool = false
) throws -> String {
    let rules = ReplyRules(provider)
    var secret: Secret?
    if let body { secret = try body.secret() }
    let verdict = Verdict(
        TransportReply(status: status, body: secret, isForm: isForm),
        lost: GrantLostErrors(provider, rules), likelyLost: GrantLostAnswers(provider, rules),
        types: .refresh(provider), rules: rules)
    switch consume verdict {
    case .tokens(let reply): return "tokens " + accessToken(reply)
    case .transient(let delay, _): return "transient \(delay.status)"
    case .applicationMisconfigured(_, let error): return "misconfigured" + words(error)
    case .unsent: return "unsent"
    case .grantLost: return "grantLost"
    case .grantLikelyLost: return "grantLikelyLost"
    case .unread(_, _, let cause): return "unread" + (cause.map { " \($0)" } ?? "")
    case .unreadable: return "unreadable"
    case .refused(_, let error): return "refused" + words(error)
    case .notAllowed(let cause): return "notAllowed \(cause)"
    }
}

private func words(_ error: OAuthError?) -> String { error.map { " \($0)" } ?? "" }

private func accessToken(_ reply: borrowing TokenReply) -> String {
    reply.accessTokenBytes.publicText ?? ""
}
