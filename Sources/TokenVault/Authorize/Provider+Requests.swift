// SPDX-License-Identifier: Apache-2.0

// What a provider wants to see in requests.
extension Provider {
    /// How the body of a token request is written.
    @nonexhaustive
    public enum RequestBody: UInt8, Sendable {
        /// `application/x-www-form-urlencoded` (RFC 6749 section 4.1.3).
        case form = 1
        /// `application/json`: one object, every value a string.
        case json = 2
    }

    /// The names under which parameters go, by those of the RFCs; nil for one that is left out.
    /// What is not mentioned has its own name. Each is of 1 to 64 bytes.
    public struct ParameterNames: Hashable, Sendable, ExpressibleByDictionaryLiteral {
        private var given: [String: String?]

        /// Names by those of the RFCs.
        public init(dictionaryLiteral elements: (String, String?)...) {
            self.init(elements.map { $0 })
        }

        init(_ elements: [(String, String?)]) {
            given = Dictionary(elements) { _, last in last }
        }

        /// The name under which a parameter goes; nil where it is left out.
        public subscript(_ parameter: String) -> String? {
            if let name = given[parameter] { name } else { parameter }
        }

        /// What is not as the RFCs have it, in an order that is always the same.
        var changes: [(parameter: String, name: String?)] {
            given.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }

        /// Whether all have their own names.
        var isEmpty: Bool { given.isEmpty }
    }

    /// Where refreshes go.
    package var refreshURL: String { refreshEndpoint ?? tokenEndpoint }

    /// What a definition calls that.
    var refreshSubject: FailureSubject {
        refreshEndpoint == nil ? .tokenEndpoint : .refreshEndpoint
    }

    /// Where the next token of a connection of a grant is asked for.
    func renewalURL(_ grant: GrantType) -> String { grant.asksAnew ? tokenEndpoint : refreshURL }

    /// What a definition calls that.
    func renewalSubject(_ grant: GrantType) -> FailureSubject {
        grant.asksAnew ? .tokenEndpoint : refreshSubject
    }

    /// The scopes that are asked for where somebody wants these.
    func scopes(for wanted: [String]) -> [String] {
        wanted + refreshScopes.filter { !wanted.contains($0) }
    }

    /// Checks what is to be asked for on the user's behalf, as `Application.check(scopes:)`.
    ///
    /// - Throws: `invalidArgument` also where there is no parameter to ask for it in.
    func check(userScopes: [String]) throws(VaultError) {
        guard userScopes.isEmpty || userScopeParameter != nil else {
            throw VaultError(
                .invalidArgument, .authorize, detail: FailureDetail(subject: .setting))
        }
        try Application.check(scopes: userScopes)
    }

    /// The most `requestHeaders`.
    public static let requestHeadersMax = 16
    /// The longest value of one, in bytes.
    public static let requestHeaderBytesMax = 1024
    /// The most `refreshScopes`.
    public static let refreshScopesMax = 8
    /// The longest `responseType`, in bytes.
    static let responseTypeBytesMax = 64
}

/// The parameters of the RFCs in one kind of message.
struct StandardParameters: Sendable {
    /// Those that the vault sends, or reads: each may have another name. In each list those that
    /// meet in one message, where no name may occur twice.
    let messages: [[String]]
    /// What of it can be left out.
    let omissible: Set<String>
    /// What it never sends, and nobody else should unless the provider means something else by it.
    let others: Set<String>

    /// The authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9101 section
    /// 5). An empty scope is not sent anyway.
    static let authorization = StandardParameters(
        messages: [
            [
                "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
                "code_challenge_method",
            ]
        ],
        omissible: ["response_type", "client_id", "redirect_uri", "scope"],
        others: ["request", "request_uri"])

    /// Token requests: what a code is exchanged with (RFC 6749 section 4.1.3, RFC 7636 section
    /// 4.5), what a refresh has (RFC 6749 section 6), what authenticates otherwise (RFC 7521
    /// section 4.2) and what a revocation has (RFC 7009 section 2.1).
    static let token = StandardParameters(
        messages: [
            [
                "grant_type", "code", "redirect_uri", "code_verifier", "client_id",
                "client_secret",
            ],
            ["grant_type", "refresh_token", "redirect_uri", "client_id", "client_secret"],
        ],
        omissible: ["grant_type", "redirect_uri", "client_id"],
        others: ["client_assertion", "client_assertion_type", "token", "token_type_hint"])

    /// The callback (RFC 6749 section 4.1.2, RFC 9207).
    static let callback = StandardParameters(
        messages: [["state", "code", "error", "iss"]], omissible: [], others: [])

    /// What may have another name.
    var sent: Set<String> { Set(messages.joined()) }
    /// All of them.
    var all: Set<String> { sent.union(others) }

    /// What nobody may add: what is sent, by the names that it has there, and what would be
    /// mistaken for what the RFCs mean by it.
    func reserved(_ names: Provider.ParameterNames) -> Set<String> {
        var reserved = all
        for change in names.changes { reserved.remove(change.parameter) }
        reserved.formUnion(names.changes.compactMap(\.name))
        return reserved
    }
}
