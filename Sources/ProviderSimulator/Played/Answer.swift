// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    /// A refusal in the provider's own words. It is given where its cause arises, and on demand by
    /// ``ProviderSimulator/Fault/answer(_:)``.
    public struct Answer: Sendable {
        /// A name that is the provider's own where it has one: `invalid_refresh_token`.
        public let name: String
        /// What it means for the grant.
        public let meaning: Meaning
        /// The HTTP status.
        public let status: Int
        /// How well it is known.
        public internal(set) var confidence = Confidence.high

        var shape: Shape
        var headers: [String: String] = [:]
        /// When it is given without being demanded.
        var causes: Set<Cause> = []

        /// What an answer means.
        public enum Meaning: String, Sendable {
            /// The grant is lost: a person must connect again.
            case grantLost
            /// Nothing is lost, though it may look so; later it works again.
            case temporary
            /// The client is not who it says it is. Nothing is lost.
            case wrongSecret
            /// Too many requests. Nothing is lost.
            case rateLimit
            /// The request itself is refused, or a code.
            case refused
        }
    }

    /// The refusals that the provider is known for.
    public var ownAnswers: [Answer] { answers }

    /// The refusal of this name.
    func answer(named name: String) -> Answer? {
        (answers + Answer.common).first { $0.name == name }
    }

    /// The refusal for a cause: the provider's own for it or for what it is a case of, or else
    /// the common one.
    func answer(for cause: Cause) -> Answer {
        var next: Cause? = cause
        while let cause = next {
            if let own = answers.first(where: { $0.causes.contains(cause) }) { return own }
            next = cause.isCaseOf
        }
        next = cause
        while let cause = next {
            if let common = Answer.common.first(where: { $0.causes.contains(cause) }) {
                return common
            }
            next = cause.isCaseOf
        }
        return Answer.plain(.refused, 400, "invalid_request")
    }
}

/// Why a request is refused.
enum Cause: Error, Hashable, Sendable {
    case malformed, missingHeader, twoWays, wrongBody, unsupportedGrant
    case unknownClient, wrongSecret
    case badCode, codeUsed, redirectMismatch, badVerifier, proofRefused
    case lost, unknownRefresh, supersededRefresh, endedGrant, expiredRefresh
    case deadAccess, endedAccess, unknownAccess
    case moreScope

    /// The cause whose answer is given where there is none for this one.
    var isCaseOf: Cause? {
        switch self {
        case .missingHeader, .twoWays, .wrongBody, .proofRefused: .malformed
        case .unknownClient: .wrongSecret
        case .codeUsed, .redirectMismatch, .badVerifier: .badCode
        case .unknownRefresh, .endedGrant, .expiredRefresh: .lost
        case .supersededRefresh: .unknownRefresh
        case .endedAccess, .unknownAccess: .deadAccess
        case .malformed, .unsupportedGrant, .wrongSecret, .badCode, .lost, .deadAccess,
            .moreScope:
            nil
        }
    }
}

extension ProviderSimulator.Provider.Answer {
    /// An answer as RFC 6749 section 5.2 writes it.
    static func plain(
        _ meaning: Meaning, _ status: Int, _ error: String, _ description: String? = nil,
        named name: String? = nil, on causes: Set<Cause> = [],
        confidence: ProviderSimulator.Provider.Confidence = .high
    ) -> Self {
        var members: [(String, Shape)] = [("error", .text(error))]
        if let description { members.append(("error_description", .text(description))) }
        return Self(
            name: name ?? error, meaning: meaning, status: status, confidence: confidence,
            shape: .object(members), causes: causes)
    }

    /// An answer of another shape.
    static func own(
        _ meaning: Meaning, _ status: Int, _ name: String, _ shape: Shape,
        headers: [String: String] = [:], on causes: Set<Cause> = [],
        confidence: ProviderSimulator.Provider.Confidence = .high
    ) -> Self {
        Self(
            name: name, meaning: meaning, status: status, confidence: confidence, shape: shape,
            headers: headers, causes: causes)
    }

    /// What is answered where the facts about a provider are silent: RFC 6749 sections 4.1.2.1
    /// and 5.2, RFC 6750 section 3.1, RFC 6585 section 4.
    static let common: [Self] = [
        .plain(.refused, 400, "invalid_request", on: [.malformed], confidence: .unverified),
        .plain(
            .refused, 400, "unsupported_grant_type", on: [.unsupportedGrant],
            confidence: .unverified),
        .plain(.refused, 400, "invalid_scope", on: [.moreScope], confidence: .unverified),
        .plain(
            .refused, 400, "invalid_grant", named: "code", on: [.badCode], confidence: .unverified),
        .plain(.grantLost, 400, "invalid_grant", on: [.lost], confidence: .unverified),
        .plain(.wrongSecret, 401, "invalid_client", on: [.wrongSecret], confidence: .unverified),
        .plain(.refused, 401, "invalid_token", on: [.deadAccess], confidence: .unverified),
        .own(
            .rateLimit, 429, "rate_limit", ["error": "too_many_requests"],
            headers: ["Retry-After": "30"], confidence: .unverified),
    ]
}
