// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// What the server has seen since it started or since the counters were last reset.
    public struct Counters: Sendable, Equatable, Codable {
        /// Authorization requests, the page and the form together.
        public var authorizeRequests = 0
        /// Consents given.
        public var approvals = 0
        /// Consents refused.
        public var denials = 0
        /// Authorization codes exchanged for tokens.
        public var codeExchanges = 0
        /// Code exchanges refused.
        public var codeExchangesFailed = 0
        /// Codes presented a second time.
        public var codesReused = 0
        /// Device codes given out.
        public var deviceCodes = 0
        /// Polls with a device code.
        public var devicePolls = 0
        /// Polls that came too soon.
        public var slowDowns = 0
        /// Requests to the token endpoint, faults included.
        public var tokenRequests = 0
        /// Refreshes answered with new tokens, whether or not a fault spoiled the reply.
        public var refreshes = 0
        /// Refreshes refused.
        public var refreshesFailed = 0
        /// Old refresh tokens answered with the current one because the grace had not ended.
        public var refreshesInGrace = 0
        /// Grants ended because an old refresh token was presented after its grace.
        public var reuseDetected = 0
        /// Tokens given to clients that asked by themselves.
        public var clientTokens = 0
        /// Those that were refused.
        public var clientTokensRefused = 0
        /// Requests with a wrong or missing client authentication.
        public var clientsRefused = 0
        /// Signed assertions that clients authenticated with.
        public var assertionsAccepted = 0
        /// Assertions presented a second time.
        public var assertionsReplayed = 0
        /// Tokens ended by `POST /revoke`.
        public var revocations = 0
        /// Requests to the revocation endpoint, faults included.
        public var revocationRequests = 0
        /// `GET /userinfo` with a living access token.
        public var userinfoAccepted = 0
        /// `GET /userinfo` with anything else.
        public var userinfoRefused = 0
        /// Replies spoiled by a fault.
        public var faultsServed = 0
        /// Grants made without a browser flow.
        public var grantsMinted = 0
        /// The most token requests that were being answered at one moment.
        public var peakConcurrentTokenRequests = 0
        /// The most refreshes of one grant that were being answered at one moment.
        public var peakConcurrentRefreshesOfOneGrant = 0
    }

    /// One grant, as the server sees it.
    public struct GrantSummary: Sendable, Equatable, Codable {
        /// The grant's number, from 0.
        public let grant: Int
        /// Who consented.
        public let user: String
        /// The client it was given to.
        public let client: String
        /// Whether its refresh token still works, its lifetime aside.
        public let alive: Bool
        /// Why it ended.
        public let end: End?
        /// Refresh requests that presented one of its refresh tokens, answered or not.
        public let refreshRequests: Int
        /// Refreshes carried out.
        public let refreshes: Int

        /// Why a grant ended.
        public enum End: String, Sendable, Codable {
            /// By `POST /revoke`.
            case revoked
            /// An old refresh token was presented after its grace.
            case refreshTokenReused
            /// Its authorization code was presented again.
            case codeReused
        }
    }

    /// One refresh request in the journal.
    public struct JournalEntry: Sendable, Equatable, Codable {
        /// The grant's number.
        public let grant: Int
        /// The generation of the refresh token presented: 0 came from the code. Without rotation,
        /// the number of refreshes carried out before.
        public let ordinal: Int
        /// What became of it.
        public let outcome: Outcome

        /// An entry, for comparison with what a test expects.
        public init(grant: Int, ordinal: Int, outcome: Outcome) {
            (self.grant, self.ordinal, self.outcome) = (grant, ordinal, outcome)
        }

        /// What became of a refresh request.
        public enum Outcome: String, Sendable, Codable {
            /// New tokens were issued.
            case refreshed
            /// A new access token with the current refresh token.
            case inGrace
            /// Refused, and the grant ended.
            case reused
            /// Refused.
            case refused
        }
    }
}
