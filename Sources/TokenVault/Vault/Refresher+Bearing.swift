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
        // Some servers say no more of a wrong secret.
        case .refused(400..<500, nil): .likelyRejected
        case .notAllowed: .none
        // The connection's own scopes.
        case .refused(_, .invalidScope): .none
        case .refused: .unclear
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
                (400..<500).contains(status) && error == nil ? .application : .unknown,
                number(status, error)
            )
        case .tokens: nil
        case .unread: nil
        case .unreadable: nil
        case .unsent: nil
        case .transient: nil
        }
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
        case .unread(let status, _): status
        case .unreadable(let status): status
        case .tokens: 0
        case .unsent: 0
        case .transient: 0
        }
    }
}
