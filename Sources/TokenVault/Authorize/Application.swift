// SPDX-License-Identifier: Apache-2.0

/// The platform's own name for a registration at a provider; the same form as a connection's id.
public struct ApplicationID: Hashable, Sendable, CustomStringConvertible {
    /// The longest id, in bytes: it is part of a callback's path.
    public static let byteCountMax = 64

    /// The id as text: letters, digits, `-`, `_` and `.`.
    public let text: String

    /// - Throws: `invalidArgument` where the text has another character or another length.
    public init(_ text: String) throws(VaultError) {
        guard (1...Self.byteCountMax).contains(text.utf8.count), text != ".", text != "..",
            text.utf8.allSatisfy({ TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: "~") })
        else { throw VaultError(.invalidArgument, .authorize) }
        self.text = text
    }

    /// The id as text.
    public var description: String { text }
}

/// Our registration at a provider: client id and secret, callback URL, default scopes.
public struct Application: ~Copyable, Sendable {
    /// Its name on the platform.
    public let id: ApplicationID
    /// The authorization server.
    public var provider: Provider
    /// The client id; 1 to 1,024 bytes, no secret.
    public var clientID: String
    /// The client secret; nil for a public client. At most 4,096 bytes.
    public var clientSecret: Secret?
    /// The callback URL, exactly as it is registered at the provider.
    public var redirectURI: String
    /// The scopes that are asked for where a connection does not override them; at most 64.
    public var scopes: [String]
    /// The access token's lifetime in seconds where neither the reply nor the provider says.
    public var defaultLifetimeSeconds: Int64?

    /// A registration.
    public init(
        id: ApplicationID, provider: Provider, clientID: String,
        clientSecret: consuming Secret? = nil, redirectURI: String, scopes: [String] = [],
        defaultLifetimeSeconds: Int64? = nil
    ) {
        self.id = id
        self.provider = provider
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.redirectURI = redirectURI
        self.scopes = scopes
        self.defaultLifetimeSeconds = defaultLifetimeSeconds
    }

    /// The longest client id, in bytes.
    public static let clientIDBytesMax = 1024
    /// The longest client secret, in bytes.
    public static let clientSecretBytesMax = 4096
    /// The most scopes.
    public static let scopesMax = 64
}
