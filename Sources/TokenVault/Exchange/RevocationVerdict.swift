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
    /// Anything else; the token may still be valid. `retry` says that another attempt may succeed,
    /// after `retryAfterSeconds` where the provider says so.
    case failed(FailureNumber, retry: Bool, retryAfterSeconds: Int64?)

    /// Judges the answer. Its body is read for an `error` only and wiped.
    package init(_ reply: consuming TransportReply) {
        let (status, retryAfter) = (reply.status, reply.retryAfterSeconds)
        if let failure = reply.failure {
            self = Self.unanswered(failure)
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
            let number = FailureNumber(status: status, FailureDetail(error: error))
            self = .failed(number, retry: retry, retryAfterSeconds: retryAfter)
        }
    }

    private static func unanswered(_ failure: TransportReply.Failure) -> RevocationVerdict {
        if case .refused(let cause) = failure {
            let detail = FailureDetail(cause: cause, subject: .revocationEndpoint)
            return .failed(
                FailureNumber(status: 0, detail), retry: false, retryAfterSeconds: nil)
        }
        let number = FailureNumber(raw: Delay.unanswered(failure).eventNumber)
        return .failed(number, retry: true, retryAfterSeconds: nil)
    }

    private static func error(_ body: consuming Secret?) -> OAuthError? {
        guard let body else { return nil }
        return (try? TokenReply.Members(body.bytes))?.error
    }
}
