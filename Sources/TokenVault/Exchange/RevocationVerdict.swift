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

    /// Judges the answer. Its body is read for an `error`, and for what the definition names, and
    /// wiped.
    ///
    /// - Parameter way: how the definition says that it is meant; nil for what RFC 7009 says.
    package init(
        _ reply: consuming TransportReply, _ way: Provider.RevocationRequest? = nil
    ) {
        let (status, retryAfter) = (reply.status, reply.retryAfterSeconds)
        if let failure = reply.failure {
            self = Self.unanswered(failure)
            return
        }
        let body = reply.body.take()
        let error = Self.error(body)
        switch error {
        case .invalidToken, .invalidGrant: self = .alreadyGone
        case _ where way?.saysGone(status, body) ?? false: self = .alreadyGone
        case .unsupportedTokenType: self = .unsupported
        case nil where way?.saysDone(status, body) ?? (200..<300).contains(status):
            self = .revoked
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

    private static func error(_ body: borrowing Secret?) -> OAuthError? {
        switch body {
        case .none: nil
        case .some(let body): (try? TokenReply.Members(body.bytes))?.error
        }
    }
}

extension Provider.RevocationRequest {
    /// Where an answer may say what is wrong.
    private static let errorPaths = [
        "error", "code", "error.code", "error.error", "error.type", "error_code",
    ].compactMap(ReplyPath.init)

    /// Whether an answer says that the token was dead before: by all that the definition names, not
    /// by one of them, since what is taken for that is told as a token that is revoked.
    fileprivate func saysGone(_ status: Int, _ body: borrowing Secret?) -> Bool {
        guard !goneStatuses.isEmpty || !goneErrors.isEmpty || !goneMember.isEmpty,
            goneStatuses.isEmpty || goneStatuses.contains(status)
        else { return false }
        if !goneErrors.isEmpty {
            let isNamed = Self.errorPaths.contains { path in
                Self.text(at: path, in: body).map(goneErrors.contains) ?? false
            }
            guard isNamed else { return false }
        }
        return goneMember.isEmpty || Self.has(goneValues, at: goneMember, in: body)
    }

    /// Whether it says that the token is revoked.
    fileprivate func saysDone(_ status: Int, _ body: borrowing Secret?) -> Bool {
        let isStatus =
            successStatuses.isEmpty
            ? (200..<300).contains(status) : successStatuses.contains(status)
        guard isStatus, !successMember.isEmpty else { return isStatus }
        return Self.has(successValues, at: successMember, in: body)
    }

    private static func has(
        _ values: [String], at member: String, in body: borrowing Secret?
    ) -> Bool {
        guard let path = ReplyPath(member) else { return false }
        return text(at: path, in: body).map(values.contains) ?? false
    }

    private static func text(at path: ReplyPath, in body: borrowing Secret?) -> String? {
        switch body {
        case .none: nil
        case .some(let body): path.text(in: body.bytes)
        }
    }
}
