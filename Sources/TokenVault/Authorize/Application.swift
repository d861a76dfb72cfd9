// SPDX-License-Identifier: Apache-2.0

/// The platform's own name for a registration at a provider; the same form as a connection's id.
public struct ApplicationID: Hashable, Sendable, CustomStringConvertible {
    /// The longest id, in bytes: it is part of a callback's path.
    public static let byteCountMax = 64

    /// The id as text: letters, digits, `-`, `_` and `.`.
    public let text: String

    /// - Throws: `invalidArgument` where the text has another character or another length.
    public init(_ text: String) throws(VaultError) {
        if text.utf8.count > Self.byteCountMax {
            throw VaultError(
                .invalidArgument, .authorize, number: Self.byteCountMax, .tooLong, .applicationID)
        }
        guard !text.isEmpty, text != ".", text != "..",
            text.utf8.allSatisfy({ TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: "~") })
        else {
            throw VaultError(
                .invalidArgument, .authorize, text.isEmpty ? .empty : .wrongCharacter,
                .applicationID)
        }
        self.text = text
    }

    /// The id as text.
    public var description: String { text }
}

/// Our registration at a provider: client id, secret or key, callback URL, default scopes.
public struct Application: ~Copyable, Sendable {
    /// Its name on the platform.
    public let id: ApplicationID
    /// The authorization server.
    public var provider: Provider
    /// The client id; 1 to 1,024 bytes, no secret.
    public var clientID: String
    /// The client secret; nil for a public client. At most 4,096 bytes of printable ASCII (RFC 6749
    /// appendix A.2).
    public var clientSecret: Secret?
    /// What it signs with, where the provider's `clientAuthentication` is `privateKeyJWT`, or it
    /// has `assertionClaims`; nil elsewhere.
    public var signingKey: SigningKey?
    /// The callback URL, exactly as it is registered at the provider; its query has none of the
    /// parameters `state`, `code`, `error` and `iss`, which the provider adds, or as it calls them.
    /// Empty where nobody's browser is sent to the provider: see `ClientGrant`.
    public var redirectURI: String
    /// The scopes that are asked for where a connection does not override them; at most 64.
    public var scopes: [String]
    /// The scopes that are asked for in the provider's `userScopeParameter`, where a connection
    /// does not override them; at most 64. None where the provider has no such parameter.
    public var userScopes: [String]
    /// The access token's lifetime in seconds where neither the reply nor the provider says.
    public var defaultLifetimeSeconds: Int64?
    /// Values of the provider's variables where a connection has none of its own.
    public var values: [String: String]
    /// What is kept of the discovery that the provider comes from; nil where it comes from none.
    public var discovery: DiscoveryRecord?
    /// Whether a connection that had an account is never connected again with another one; its
    /// provider then needs a `lookup` with an `account`. What is not known to be the same account
    /// is refused, too.
    public var refusesOtherAccount: Bool

    /// A registration.
    public init(
        id: ApplicationID, provider: Provider, clientID: String,
        clientSecret: consuming Secret? = nil, signingKey: consuming SigningKey? = nil,
        redirectURI: String = "", scopes: [String] = [], userScopes: [String] = [],
        defaultLifetimeSeconds: Int64? = nil, values: [String: String] = [:],
        discovery: DiscoveryRecord? = nil, refusesOtherAccount: Bool = false
    ) {
        self.id = id
        self.provider = provider
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.signingKey = signingKey
        self.redirectURI = redirectURI
        self.scopes = scopes
        self.userScopes = userScopes
        self.defaultLifetimeSeconds = defaultLifetimeSeconds
        self.values = values
        self.discovery = discovery
        self.refusesOtherAccount = refusesOtherAccount
    }

    /// The longest client id, in bytes.
    public static let clientIDBytesMax = 1024
    /// The longest client secret, in bytes.
    public static let clientSecretBytesMax = 4096
    /// The most scopes.
    public static let scopesMax = 64
    /// The longest scope, in bytes.
    public static let scopeBytesMax = 256

    /// Checks what is to be asked for: at most `scopesMax`, each of 1 to `scopeBytesMax` bytes
    /// without control characters.
    ///
    /// - Throws: `invalidArgument`, `limitExceeded`.
    static func check(scopes: [String]) throws(VaultError) {
        guard scopes.count <= scopesMax else {
            throw VaultError(.limitExceeded, .authorize, number: scopesMax, .tooMany, .scopes)
        }
        for scope in scopes {
            guard let cause = Name.fault(scope, byteCountMax: scopeBytesMax) else { continue }
            throw VaultError(
                cause == .tooLong ? .limitExceeded : .invalidArgument, .authorize,
                number: cause == .tooLong ? scopeBytesMax : 0, cause, .scope)
        }
    }

    /// Checks a callback URL: no control characters, no fragment and no parameter of the answer's
    /// (RFC 6749 sections 3.1.2 and 4.1.2), and plain HTTP on this machine only (RFC 8252 section
    /// 7.3).
    ///
    /// - Parameter names: what the provider calls the parameters of the answer.
    /// - Throws: `invalidArgument`.
    static func check(
        redirectURI: String, names: Provider.ParameterNames = [:]
    ) throws(VaultError) {
        func refused(_ cause: FailureCause) -> VaultError {
            VaultError(
                .invalidArgument, .authorize,
                number: cause == .tooLong ? Provider.endpointBytesMax : 0, cause, .redirectURI)
        }
        if let cause = Name.fault(redirectURI, byteCountMax: Provider.endpointBytesMax) {
            throw refused(cause)
        }
        if redirectURI.utf8.contains(UInt8(ascii: "#")) { throw refused(.fragment) }
        // A callback must not have twice what the provider adds.
        let added = StandardParameters.callback.reserved(names)
        guard added.isDisjoint(with: TextEncoding.queryNames(redirectURI)) else {
            throw refused(.setByProvider)
        }
        let lowered = redirectURI.lowercased()
        guard lowered.hasPrefix("http:") else {
            guard isAbsolute(lowered) else { throw refused(.malformedURL) }
            return
        }
        guard lowered.hasPrefix("http://") else { throw refused(.plainHTTP) }
        // RFC 3986 section 3.2; a name before an @ is no host.
        let authority = lowered.dropFirst("http://".count).prefix { !"/?".contains($0) }
        let isHere = ["127.0.0.1", "[::1]", "localhost"].contains { host in
            guard authority.hasPrefix(host) else { return false }
            let port = authority.dropFirst(host.count)
            return port.isEmpty || port.first == ":" && port.dropFirst().allSatisfy(\.isNumber)
        }
        guard isHere else { throw refused(.plainHTTP) }
    }

    /// Whether a URI has a scheme (RFC 3986 section 3.1), and of `https` a host. `localhost:80/`
    /// has none, though it looks so.
    private static func isAbsolute(_ lowered: String) -> Bool {
        guard let colon = lowered.firstIndex(of: ":"),
            let first = lowered.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
        else { return false }
        let scheme = lowered[..<colon].utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "+-.".utf8.contains(byte)
        }
        let rest = lowered[lowered.index(after: colon)...]
        guard scheme, let next = rest.first, !next.isNumber else { return false }
        guard lowered[..<colon] == "https" else { return true }
        return rest.hasPrefix("//") && rest.dropFirst(2).first.map { !"/?".contains($0) } ?? false
    }
}
