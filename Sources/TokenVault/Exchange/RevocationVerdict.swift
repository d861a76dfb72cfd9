// SPDX-License-Identifier: Apache-2.0

/// What an answer of the revocation endpoint means (RFC 7009 section 2.2). Whatever it is, the
/// local erasure goes on.
package enum RevocationVerdict: Hashable, Sendable {
    /// 2xx: the token is not valid any more, or never was; the RFC does not tell these apart.
    case revoked
    /// The provider says that the token is not valid: `invalid_token`, `invalid_grant`.
    case alreadyGone
    /// No revocation endpoint, or it does not revoke this type of token: `unsupported_token_type`.
    case unsupported
    /// Anything else; the token may still be valid. `status` is 0 where there was no answer;
    /// `retry` says that another attempt may succeed, after `retryAfterSeconds` where the provider
    /// says so.
    case failed(status: Int, retry: Bool, retryAfterSeconds: Int64?)

    /// Judges the answer. Its body is read for an `error` only and wiped.
    package init(_ reply: consuming TransportReply) {
        let (status, retryAfter) = (reply.status, reply.retryAfterSeconds)
        if let failure = reply.failure {
            var retry = true
            if case .refused = failure { retry = false }
            self = .failed(status: 0, retry: retry, retryAfterSeconds: nil)
            return
        }
        let error = Self.error(reply.body.take())
        switch error {
        case .invalidToken, .invalidGrant: self = .alreadyGone
        case .unsupportedTokenType: self = .unsupported
        case nil where (200..<300).contains(status): self = .revoked
        default:
            let isBusy = status >= 500 || [408, 425, 429].contains(status)
            let retry = isBusy || error == .temporarilyUnavailable || error == .serverError
            self = .failed(status: status, retry: retry, retryAfterSeconds: retryAfter)
        }
    }

    private static func error(_ body: consuming Secret?) -> OAuthError? {
        guard let body else { return nil }
        return (try? TokenReply.Members(body.bytes))?.error
    }
}
