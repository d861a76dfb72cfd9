// SPDX-License-Identifier: Apache-2.0

/// What an answer of the token endpoint means for the grant. A pure function of the answer: no
/// clock, nothing deleted, nothing decided by a guess. Only `grantLost` ends a grant at once, and
/// only `invalid_grant` leads there, or what the provider's definition says means the same.
///
/// | answer                                                         | verdict                   |
/// |----------------------------------------------------------------|---------------------------|
/// | none: cancelled, unreachable, no block                         | transient, not sent       |
/// | none: lost, deadline, too long                                 | transient, sent           |
/// | none: URL or address not allowed                               | not allowed               |
/// | 2xx, access token of a type that is taken, no `error`          | tokens                    |
/// | 2xx, a whole object or form that names a token, but not so     | unread, body kept         |
/// | 2xx, anything else without an `error`: a page, nothing, half   | unreadable                |
/// | 408, 425, 429, 5xx, whatever they carry                        | transient, sent           |
/// | one that the provider's definition calls temporary             | transient, sent           |
/// | `temporarily_unavailable`, `server_error`                      | transient, sent           |
/// | `invalid_grant`                                                | grant lost                |
/// | `invalid_client`                                               | application misconfigured |
/// | an error of the provider's own that `GrantLostErrors` lists    | grant lost                |
/// | an answer that `GrantLostAnswers` lists                        | grant likely lost         |
/// | `unauthorized_client`, `unsupported_grant_type`,               | application misconfigured |
/// | 401 with any other `error` or none                             | application misconfigured |
/// | anything else: `invalid_request`, `invalid_scope`, 403, 404,   | refused                   |
/// | 3xx, an unknown `error`                                        | refused                   |
///
/// An `error` counts with any 2xx or 4xx, since some servers send it with 200 and others with 403.
/// `invalid_scope` concerns one connection, whose scopes may be overridden, so it does not blame
/// the application. A redirect is never followed (RFC 6749 section 3.2 knows none). Which types are
/// taken see `BearerTypes`.
package enum Verdict: ~Copyable, Sendable {
    /// A token response. There is an access token, and it is a bearer token, or taken for one. It
    /// owns the body.
    case tokens(TokenReply)
    /// Try again later with the same refresh token.
    case transient(Delay, retryAfterSeconds: Int64?)
    /// No byte was sent, and not for the provider's fault: it was cancelled, or no block was free.
    case unsent
    /// The provider rejects the application: one alarm, connections keep their state.
    case applicationMisconfigured(status: Int, error: OAuthError?)
    /// The grant is gone, definitely: the user must connect again.
    case grantLost(status: Int)
    /// The provider's definition says that it means a lost grant, but it may be the application
    /// that is rejected: to be believed once another connection of it has succeeded since.
    case grantLikelyLost(status: Int)
    /// A success that names an access or a refresh token, and nobody here can use: `UnreadReply`
    /// says which. The body, of which only that is left, a form as an object, may hold the only
    /// copy of a token that replaced the one which was presented: seal it before anything else. The
    /// cause is why it cannot be used, where that is known.
    case unread(status: Int, body: Secret, cause: FailureCause?)
    /// Success by its status, and nothing that names a token. The provider may have acted on it.
    case unreadable(status: Int)
    /// Anything else that is definite.
    case refused(status: Int, error: OAuthError?)
    /// The request itself was not allowed: which rule it breaks. No byte was sent.
    case notAllowed(FailureCause)

    /// Whether it is a token response.
    var bringsTokens: Bool {
        switch self {
        case .tokens: true
        default: false
        }
    }

    /// Whether there are tokens in it, if only such as nobody here can use.
    var holdsTokens: Bool {
        switch self {
        case .tokens: true
        case .unread: true
        default: false
        }
    }

    /// Judges the answer to a refresh or a code exchange; takes its body over.
    ///
    /// - Parameters:
    ///   - lost: the errors of the provider's own that say that a grant is gone.
    ///   - likelyLost: the answers that may say so.
    ///   - types: which `token_type`s are taken.
    ///   - rules: how the provider's answers differ from RFC 6749's.
    init(
        _ reply: consuming TransportReply, lost: GrantLostErrors = .none,
        likelyLost: GrantLostAnswers = .none, types: BearerTypes = .bearer,
        rules: ReplyRules? = nil
    ) {
        if let failure = reply.failure {
            self = Self.judge(failure)
            return
        }
        let (status, retryAfter) = (reply.status, reply.retryAfterSeconds)
        let (date, isForm) = (reply.date, reply.isForm)
        let body = reply.body.take()
        switch status {
        case 200..<300:
            switch consume body {
            case .none: self = .unreadable(status: status)
            case .some(let body):
                self = Self.judgeSuccess(
                    Success(
                        status: status, retryAfter: retryAfter, date: date, isForm: isForm,
                        lost: lost, types: types, rules: rules),
                    body)
            }
        case 300..<500 where ![408, 425, 429].contains(status):
            self = Self.judgeRefusal(
                status, isForm && status >= 400 ? Self.object(of: body) : body, retryAfter, lost,
                likelyLost, rules)
        default:
            self = .transient(.answered(status: status), retryAfterSeconds: retryAfter)
        }
    }

    private static func judge(_ failure: TransportReply.Failure) -> Verdict {
        switch failure {
        case .cancelled, .tooManySecrets: .unsent
        case .unreachable, .proxyFailed, .untrusted, .lost, .deadlineExceeded, .tooLong:
            .transient(.unanswered(failure), retryAfterSeconds: nil)
        case .refused(let cause): .notAllowed(cause)
        }
    }

    /// What is known of a success before its body is looked at.
    private struct Success {
        let status: Int
        let retryAfter: Int64?
        let date: HTTPDate.Text?
        let isForm: Bool
        let lost: GrantLostErrors
        let types: BearerTypes
        let rules: ReplyRules?
    }

    private static func judgeSuccess(
        _ success: Success, _ body: consuming Secret
    ) -> Verdict {
        Preamble.drop(from: &body, success.rules)
        if success.isForm, let object = FormReply.object(of: body) {
            body = object
        }
        let rules = success.rules
        if let members = members(of: body, rules) {
            if members.isTokenResponse(success.types) {
                let second = rules?.second.flatMap { Self.members(of: body, $0) }
                return .tokens(
                    TokenReply(
                        body, members,
                        second: second?.isTokenResponse(success.types) ?? false ? second : nil,
                        date: success.date))
            }
            let isLost = !members.holdsToken && success.lost.occur(in: body)
            if !members.holdsToken, let rules, rules.isTemporary(success.status, body) {
                return .transient(
                    .answered(status: success.status), retryAfterSeconds: success.retryAfter)
            }
            if !members.holdsToken, isLost || members.error != nil {
                return judge(members.error, success.status, success.retryAfter, isLost: isLost)
            }
        }
        let cause = UnreadReply.cause(body, rules)
        guard UnreadReply.reduce(&body, rules) else { return .unreadable(status: success.status) }
        return .unread(status: success.status, body: body, cause: cause)
    }

    private static func members(
        of body: borrowing Secret, _ rules: ReplyRules?
    ) -> TokenReply.Members? {
        try? TokenReply.Members(body.bytes, rules)
    }

    /// The object that a form stands for; the body as it is where it is no form.
    private static func object(of body: consuming Secret?) -> Secret? {
        switch consume body {
        case .some(let body):
            guard let object = FormReply.object(of: body) else { return body }
            return object
        case .none: return nil
        }
    }

    private static func judgeRefusal(
        _ status: Int, _ body: consuming Secret?, _ retryAfter: Int64?, _ lost: GrantLostErrors,
        _ likelyLost: GrantLostAnswers, _ rules: ReplyRules?
    ) -> Verdict {
        var error: OAuthError?
        var isLost = false
        var isTemporary = false
        switch body {
        case .some(let body) where status >= 400:
            error = members(of: body, rules)?.error
            isLost = lost.occur(in: body)
            isTemporary = rules?.isTemporary(status, body) ?? false
        default: break
        }
        if isTemporary || error == nil && rules?.isTemporary(status) ?? false {
            return .transient(.answered(status: status), retryAfterSeconds: retryAfter)
        }
        let isLikelyLost = likelyLost.contain(status, body, namesError: error != nil)
        return judge(error, status, retryAfter, isLost: isLost, isLikelyLost: isLikelyLost)
    }

    /// - Parameters:
    ///   - isLost: whether the answer names a `GrantLostErrors`. It ends no grant beside an `error`
    ///     that blames the application or asks for patience.
    ///   - isLikelyLost: whether it is one of the `GrantLostAnswers`.
    private static func judge(
        _ error: OAuthError?, _ status: Int, _ retryAfter: Int64?, isLost: Bool,
        isLikelyLost: Bool = false
    ) -> Verdict {
        switch error {
        case .invalidGrant: .grantLost(status: status)
        case .invalidClient: .applicationMisconfigured(status: status, error: error)
        case .temporarilyUnavailable, .serverError:
            .transient(.answered(status: status), retryAfterSeconds: retryAfter)
        case .unauthorizedClient, .unsupportedGrantType:
            isLikelyLost
                ? .grantLikelyLost(status: status)
                : .applicationMisconfigured(status: status, error: error)
        default:
            isLost
                ? .grantLost(status: status)
                : isLikelyLost
                    ? .grantLikelyLost(status: status)
                    : status == 401
                        ? .applicationMisconfigured(status: status, error: error)
                        : .refused(status: status, error: error)
        }
    }
}
