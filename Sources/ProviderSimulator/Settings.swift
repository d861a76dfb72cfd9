// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// How the practice server behaves. Everything has a default that a strict modern provider
    /// would choose, except rotation, which is off as it is at most providers.
    public struct Settings: Sendable {
        /// The registered applications; at least one.
        public var clients: [Client]

        /// The loopback address listened on: `::1` or one of 127.0.0.0/8, nothing else is accepted.
        public var host = "127.0.0.1"

        /// The port listened on; 0 lets the system choose.
        public var port = 0

        /// The value of `X-Control-Key` that opens `/control/`; nil closes those paths altogether.
        public var controlKey: String?

        /// The real providers that are played, told apart by the host that a request names. What is
        /// said of lifetimes, rotation, expiry and PKCE below does not hold for them, since they
        /// have their own. Empty makes the server nobody but itself.
        public var providers: [Provider] = []

        /// The certificate that makes the server speak TLS; nil is plain HTTP.
        public var certificate: Certificate?

        /// What is published about the server.
        public var metadata = Metadata()

        /// The scopes a client may ask for; empty means any.
        public var scopes: Set<String> = []

        /// The longest lifetime, grace or clock change: a hundred years.
        public static let durationMax = Duration.seconds(100 * 365 * 86_400)

        /// How long an access token works.
        public var accessLifetime = Duration.seconds(3600)

        /// How long a refresh token works; nil means until revoked. When set, token replies that
        /// carry a refresh token carry `refresh_token_expires_in` too.
        public var refreshLifetime: Duration?

        /// How long a device code works.
        public var deviceLifetime = Duration.seconds(600)

        /// How long is to be waited between two polls with a device code, in whole seconds.
        public var deviceInterval = Duration.seconds(5)

        /// What the answer with a device code says of that, where it does not tell the truth.
        public var deviceIntervalTold: Duration?

        /// What a refresh does to the refresh token.
        public var rotation = Rotation.none

        /// How a living access token is exchanged for the next one. When set there are no refresh
        /// tokens, and a dead access token is refused in Facebook's words.
        public var exchange: Exchange?

        /// Whether a client that asks by itself gets a refresh token all the same, as some servers
        /// give in spite of RFC 6749 section 4.4.3.
        public var addsRefreshTokens = false

        /// How token replies tell the expiry.
        public var expiryStyle = ExpiryStyle.seconds

        /// Whether an authorization request without a `code_challenge` is refused.
        public var requiresPKCE = true

        /// Whether revoking an access token ends the whole grant, as some providers do.
        public var revocationCascades = false

        /// The first part of every token and code, so that a test can plant tokens it recognises.
        public var tokenMarker = "sim"

        /// Random bytes in a token, 16 to 4096.
        public var tokenBytes = 32

        /// Whether every refresh request is written into the journal.
        public var keepsJournal = false

        /// Settings with one or more registered applications.
        public init(clients: [Client]) {
            self.clients = clients
        }
    }

    /// A registered application.
    public struct Client: Sendable, Equatable {
        /// The client identifier.
        public var id: String

        /// The client secret; nil makes this a public client, which authenticates by its id alone.
        public var secret: String?

        /// The redirect URIs, compared character by character.
        public var redirectURIs: [String]

        /// The scopes that it may have by its own authentication alone (RFC 6749 section 4.4); nil
        /// where it may not ask so. A public client never may.
        public var ownScopes: Set<String>?

        /// The keys with which it signs what it says of itself (RFC 7523); where there is one it
        /// authenticates in no other way, and has no secret, unless `subjects` says what the keys
        /// are for.
        public var publicKeys: [PublicKey]

        /// The users who have allowed it to ask for their tokens by an assertion (RFC 7523 section
        /// 2.1), beside its own account; nil where it may not ask so.
        public var subjects: Set<String>?

        /// A registered application.
        public init(
            id: String, secret: String?, redirectURIs: [String], ownScopes: Set<String>? = nil,
            publicKeys: [PublicKey] = [], subjects: Set<String>? = nil
        ) {
            self.id = id
            self.secret = secret
            self.redirectURIs = redirectURIs
            self.ownScopes = ownScopes
            self.publicKeys = publicKeys
            self.subjects = subjects
        }
    }

    /// A certificate and its key, as files in PEM.
    public struct Certificate: Sendable, Equatable {
        /// The file with the certificate, and those between it and the one that clients trust.
        public var chainFile: String
        /// The file with the private key.
        public var keyFile: String

        /// A certificate and its key.
        public init(chainFile: String, keyFile: String) {
            (self.chainFile, self.keyFile) = (chainFile, keyFile)
        }
    }

    /// What a refresh does to the refresh token.
    public enum Rotation: Sendable, Equatable {
        /// The refresh token stays valid and is not repeated in the reply.
        case none

        /// Every refresh replaces the refresh token. The one before it keeps working for `grace`
        /// and is answered with the current one; any other old refresh token ends the grant.
        case rotating(grace: Duration)
    }

    /// How an access token is exchanged for the next one.
    public struct Exchange: Sendable, Equatable {
        /// The `grant_type` that asks for it.
        public var grantType: String

        /// The parameter that carries the access token.
        public var parameter: String

        /// How long the next one works. The one before keeps its own time.
        public var lifetime: Duration

        /// An exchange.
        public init(grantType: String, parameter: String, lifetime: Duration) {
            (self.grantType, self.parameter) = (grantType, parameter)
            self.lifetime = lifetime
        }
    }

    /// How a token reply tells when the access token expires.
    public enum ExpiryStyle: String, Sendable, Codable, CaseIterable {
        /// `"expires_in": 3600`
        case seconds
        /// `"expires_in": "3600"`
        case secondsAsText
        /// `"expires_at": 1767225600`, seconds since 1970.
        case unixTime
        /// Nothing at all.
        case absent
    }

    /// Settings that cannot be served, with the sentence that says which.
    public struct SettingsError: Error, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }
}

extension ProviderSimulator.Settings {
    /// Throws where a value is outside what its documentation promises.
    func validate() throws(ProviderSimulator.SettingsError) {
        func require(
            _ condition: Bool, _ words: @autoclosure () -> String
        ) throws(ProviderSimulator.SettingsError) {
            if !condition { throw ProviderSimulator.SettingsError(description: words()) }
        }
        // A practice server that could be reached from elsewhere would be mistaken for a real one.
        try require(Self.isLoopback(host), "only 127.0.0.0/8 and ::1 are served")
        try require((0...65_535).contains(port), "a port is 0 to 65535")
        try require(!clients.isEmpty, "at least one client is needed")
        try require(Set(clients.map(\.id)).count == clients.count, "client ids must differ")
        try require(
            clients.allSatisfy {
                $0.publicKeys.isEmpty || $0.secret == nil || $0.subjects != nil
            }, "a client has a secret or public keys")
        try require((16...4096).contains(tokenBytes), "a token has 16 to 4096 random bytes")
        let lifetimes = [
            accessLifetime, refreshLifetime ?? .seconds(1), exchange?.lifetime ?? .seconds(1),
            deviceLifetime, deviceInterval,
        ]
        try require(
            lifetimes.allSatisfy { $0 >= .seconds(1) && $0 <= Self.durationMax },
            "a lifetime is one second to a hundred years")
        if case .rotating(let grace) = rotation {
            try require(
                grace >= .zero && grace <= Self.durationMax, "a grace is up to a hundred years")
        }
        let real = providers.map { $0.name.prefix { $0 != "-" } }
        try require(Set(real).count == real.count, "a provider is played in one variant only")
        try require(controlKey != "", "the control key must not be empty")
        try require(
            tokenMarker.isUnreserved,
            "the token marker is letters, digits, '-', '.', '_' and '~'")
        for uri in clients.flatMap(\.redirectURIs) {
            // These characters would end the Location header or the page's form-action list early.
            try require(
                uri.contains(":") && uri.utf8.allSatisfy { (0x21...0x7e).contains($0) }
                    && !uri.contains(where: { "\"'<>;,#".contains($0) }),
                "not a redirect URI: \(uri)")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "::1"
            || parts.count == 4 && parts[0] == "127"
                && parts.allSatisfy { part in UInt8(part).map { "\($0)" == part } ?? false }
    }

    /// The client registered under `id`.
    func client(_ id: String) -> ProviderSimulator.Client? {
        clients.first { $0.id == id }
    }
}
