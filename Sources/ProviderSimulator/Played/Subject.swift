// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    /// What is known of a provider, one row of a table.
    public enum Subject: String, Sendable, CaseIterable {
        /// The authorization request, the callback and the exchange of the code.
        case connect
        /// The token reply.
        case tokenShape
        /// The refresh request and its reply.
        case refresh
        /// What a refresh does to the refresh token, and for how long the old one works.
        case rotation
        /// How long tokens work, and where a reply says it.
        case expiry
        /// The answers that mean that the grant is lost.
        case grantLost
        /// The answers that resemble those and mean something else.
        case looksLost
        /// The answer to a wrong client secret.
        case wrongSecret
        /// The answer to too many requests.
        case rateLimit
        /// Revocation.
        case revocation
        /// What the callback, a reply or a look-up tells beside the tokens.
        case captured
    }

    /// How well a fact is known.
    public enum Confidence: String, Sendable, Comparable {
        /// Not looked up: what is played is a guess.
        case unverified
        /// Seen in one place that may be wrong.
        case low
        /// Seen in a place that is not the provider's own, or read between the lines.
        case medium
        /// Seen in the provider's own words or code.
        case high

        private var rank: Int {
            switch self {
            case .unverified: 0
            case .low: 1
            case .medium: 2
            case .high: 3
            }
        }

        /// Less certain comes first.
        public static func < (one: Self, other: Self) -> Bool { one.rank < other.rank }
    }

    /// How well it is known what is played here. A subject rests on its
    /// weakest fact, and what only looks like a loss on its best: one such answer will do.
    public func confidence(of subject: Subject) -> Confidence {
        if let doubt = doubts[subject] { return doubt }
        switch subject {
        case .grantLost: return weakest { $0 == .grantLost }
        case .looksLost: return answersThatLookLost.map(\.confidence).max() ?? .unverified
        case .wrongSecret: return weakest { $0 == .wrongSecret }
        case .rateLimit: return weakest { $0 == .rateLimit }
        default: return .high
        }
    }

    /// Why the provider has nothing of this kind, as the facts say; nil where it has.
    public func reasonForAbsence(of subject: Subject) -> String? { absent[subject] }

    /// What the facts say of the provider and the server does not play, with the reason.
    public var leftOut: [String] { notPlayed }

    /// What is played though no fact says it, because something had to be answered.
    public var assumptions: [String] { assumed }

    /// The answers that could be taken for a loss of the grant, and are none.
    public var answersThatLookLost: [Answer] {
        answers.filter { [.temporary, .wrongSecret, .rateLimit].contains($0.meaning) }
    }

    private func weakest(_ isMeant: (Answer.Meaning) -> Bool) -> Confidence {
        // What no fact says is answered as RFC 6749 would.
        answers.filter { isMeant($0.meaning) }.map(\.confidence).min() ?? .unverified
    }
}
