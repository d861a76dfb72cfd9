// SPDX-License-Identifier: Apache-2.0

// What a verdict about one connection says of others.
extension Refresher {
    /// What an answer says of the application.
    static func bearing(_ verdict: borrowing Verdict) -> UpkeepState.Bearing {
        switch verdict {
        case .tokens: .accepted
        case .grantLost: .grantLost
        case .applicationMisconfigured(_, .invalidClient): .rejected
        case .applicationMisconfigured: .likelyRejected
        case .grantLikelyLost: .likelyRejected
        case .notAllowed: .none
        // The connection's own scopes.
        case .refused(_, .invalidScope): .none
        case .refused(let status, let error):
            isOfApplication(status, error) ? .likelyRejected : .unclear
        case .unread: .unclear
        case .unreadable: .unclear
        case .unsent: .none
        case .transient(let delay, _): delay.wasSent ? .unanswered : .none
        }
    }

    /// How an answer refuses the connection, and its number; nil where it does not, or where it is
    /// certain whom it is about.
    static func refusal(_ verdict: borrowing Verdict) -> (kind: Refusal.Kind, status: Int)? {
        switch verdict {
        case .grantLost(let status): (.grant, status)
        case .grantLikelyLost(let status): (.grant, status)
        case .applicationMisconfigured(_, .invalidClient): nil
        case .applicationMisconfigured(let status, let error):
            (.application, number(status, error))
        case .notAllowed: nil
        case .refused(let status, let error):
            (
                isOfApplication(status, error) && error != .invalidScope ? .application : .unknown,
                number(status, error)
            )
        case .tokens: nil
        case .unread: nil
        case .unreadable: nil
        case .unsent: nil
        case .transient: nil
        }
    }

    /// Whether a refusal that blames neither the grant nor, in RFC 6749's words, the application
    /// may be about a client secret that is wrong or has expired: servers say so with no error at
    /// all, with `invalid_request`, or in words of their own, some beside a 200. A redirect is
    /// about the endpoint.
    private static func isOfApplication(_ status: Int, _ error: OAuthError?) -> Bool {
        if error == nil, FailureNumber.isOfTheWay(status) { return false }
        return !(300..<400).contains(status)
    }

    /// A status and an error as one number; see `FailureNumber`.
    static func number(_ status: Int, _ error: OAuthError?) -> Int {
        Int(FailureNumber(status: status, FailureDetail(error: error)).raw)
    }

    /// The number of an answer that may reject the application; 0 of others.
    static func status(_ verdict: borrowing Verdict) -> Int {
        switch verdict {
        case .applicationMisconfigured(let status, let error): number(status, error)
        case .grantLikelyLost(let status): status
        case .refused(let status, let error): number(status, error)
        case .notAllowed: 0
        case .grantLost(let status): status
        case .unread(let status, _, _): status
        case .unreadable(let status): status
        case .tokens: 0
        case .unsent: 0
        case .transient: 0
        }
    }
}
