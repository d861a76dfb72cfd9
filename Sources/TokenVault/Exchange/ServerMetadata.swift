// SPDX-License-Identifier: Apache-2.0

/// What an authorization server publishes about itself (RFC 8414 section 2, OpenID Connect
/// Discovery 1.0 section 3), as far as the vault reads it.
public struct ServerMetadata: Hashable, Sendable {
    /// A member that is read.
    @nonexhaustive
    public enum Member: String, Sendable, CaseIterable {
        /// The issuer identifier.
        case issuer
        /// The authorization endpoint.
        case authorizationEndpoint = "authorization_endpoint"
        /// The token endpoint.
        case tokenEndpoint = "token_endpoint"
        /// The revocation endpoint.
        case revocationEndpoint = "revocation_endpoint"
        /// The device authorization endpoint (RFC 8628 section 4).
        case deviceAuthorizationEndpoint = "device_authorization_endpoint"
        /// Scopes that can be asked for.
        case scopesSupported = "scopes_supported"
        /// Response types.
        case responseTypesSupported = "response_types_supported"
        /// Response modes.
        case responseModesSupported = "response_modes_supported"
        /// Grant types.
        case grantTypesSupported = "grant_types_supported"
        /// How a client authenticates at the token endpoint.
        case tokenEndpointAuthMethodsSupported = "token_endpoint_auth_methods_supported"
        /// How a client authenticates at the revocation endpoint.
        case revocationEndpointAuthMethodsSupported = "revocation_endpoint_auth_methods_supported"
        /// The methods of PKCE (RFC 7636).
        case codeChallengeMethodsSupported = "code_challenge_methods_supported"
        /// Whether callbacks have `iss` (RFC 9207).
        case issParameterSupported = "authorization_response_iss_parameter_supported"
        /// Whether authorization requests have to be pushed (RFC 9126).
        case requirePushedAuthorizationRequests = "require_pushed_authorization_requests"
    }

    /// What a member holds.
    public enum Value: Hashable, Sendable {
        /// A string.
        case text(String)
        /// An array of strings.
        case list([String])
        /// `true` or `false`.
        case flag(Bool)
    }

    /// What a member holds, and how two documents are merged that both have it.
    enum Rule {
        /// One string, the same in both.
        case text
        /// A flag, the same in both.
        case flag
        /// A list to choose from: what is in both, and that is something.
        case choice
        /// A list that is shown, and of which warnings come: all of both.
        case shown
    }

    /// The members that there are.
    public internal(set) var values: [Member: Value] = [:]
    /// The documents that say so, by their URLs.
    public internal(set) var sources: [Member: [String]] = [:]

    /// The longest document, in bytes: one block of the arena, in which answers are read. Those of
    /// large providers have some 10 KB.
    public static let byteCountMax = SecretArena.secretBytesMax
    /// The most members of a document.
    static let membersMax = 1024
    /// How deep its values may nest.
    static let depthMax = 16
    /// The most strings of a list.
    static let listCountMax = 4096
    /// The longest string of a list, in bytes.
    static let listTextBytesMax = 1024

    package init() {}

    package init(values: [Member: Value], sources: [Member: [String]]) {
        (self.values, self.sources) = (values, sources)
    }

    /// A string; nil where there is none.
    public func text(_ member: Member) -> String? {
        if case .text(let text) = values[member] { text } else { nil }
    }

    /// A list; nil where there is none.
    public func list(_ member: Member) -> [String]? {
        if case .list(let list) = values[member] { list } else { nil }
    }

    /// Whether a flag is there, and true.
    public func isTrue(_ member: Member) -> Bool { values[member] == .flag(true) }
}

extension ServerMetadata.Member {
    var rule: ServerMetadata.Rule {
        switch self {
        case .issuer, .authorizationEndpoint, .tokenEndpoint, .revocationEndpoint,
            .deviceAuthorizationEndpoint:
            .text
        case .issParameterSupported, .requirePushedAuthorizationRequests: .flag
        case .scopesSupported, .grantTypesSupported: .shown
        case .responseTypesSupported, .responseModesSupported, .tokenEndpointAuthMethodsSupported,
            .revocationEndpointAuthMethodsSupported, .codeChallengeMethodsSupported:
            .choice
        }
    }
}

extension ServerMetadata {
    /// Adds what another document of the same issuer says. A member that one of them has is taken
    /// from there; one that both have follows its rule.
    ///
    /// - Throws: `contradiction`, which names the member.
    mutating func merge(_ other: ServerMetadata) throws(DiscoveryError) {
        for member in Member.allCases {
            guard let theirs = other.values[member] else { continue }
            let places = other.sources[member] ?? []
            guard let ours = values[member] else {
                (values[member], sources[member]) = (theirs, places)
                continue
            }
            let place = places.first ?? ""
            guard let merged = Self.merged(ours, theirs, member.rule) else {
                let here = sources[member]?.first ?? ""
                throw DiscoveryError(
                    .contradiction, at: place, member,
                    "is \(theirs.words), and \(ours.words) in \(here)",
                    remedy: "ask the provider which one holds, and write a definition "
                        + "(--provider) that says it")
            }
            values[member] = merged
            sources[member, default: []] += places
        }
    }

    /// Nil where they contradict each other.
    private static func merged(_ ours: Value, _ theirs: Value, _ rule: Rule) -> Value? {
        switch (ours, theirs, rule) {
        case (.list(let ours), .list(let theirs), .shown):
            return .list(ours + theirs.filter { !ours.contains($0) })
        case (.list(let ours), .list(let theirs), .choice):
            let common = ours.filter(theirs.contains)
            return common.isEmpty ? nil : .list(common)
        default: return ours == theirs ? ours : nil
        }
    }
}

extension ServerMetadata.Value {
    /// What it is, for an error.
    var words: String {
        switch self {
        case .text(let text): "\"\(text.prefix(Self.quotedMax))\""
        case .flag(let flag): "\(flag)"
        case .list(let list): "[\(list.prefix(8).joined(separator: " ").prefix(Self.quotedMax))]"
        }
    }

    /// The most characters that an error quotes.
    private static let quotedMax = 128
}
