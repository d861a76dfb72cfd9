// SPDX-License-Identifier: Apache-2.0

/// What a key of the JSON API may do.
public enum APIScope: String, Hashable, Sendable, CaseIterable {
    /// Lists and reads applications, without their secrets.
    case applicationsRead = "applications:read"
    /// Puts and removes applications.
    case applicationsWrite = "applications:write"
    /// Lists and reads connections, their values and their logs.
    case connectionsRead = "connections:read"
    /// Configures connections, makes their links, disconnects them.
    case connectionsWrite = "connections:write"
    /// Reads access tokens.
    case tokensRead = "tokens:read"
    /// Reports uses: that they worked, that a token was rejected, that a component failed.
    case usageWrite = "usage:write"
    /// Reads events.
    case eventsRead = "events:read"
    /// Starts, confirms and drops flows.
    case flowsWrite = "flows:write"
}

/// Which connections a key is for: a connection's id, or what ids begin with and a final `*`.
public struct ConnectionPattern: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    public let text: String

    /// Every connection.
    public static let all = ConnectionPattern(checked: "*")

    private init(checked text: String) { self.text = text }

    /// - Parameter text: such as `customer-7/*`. A `*` is at its end or nowhere.
    /// - Throws: `invalidArgument` where it is not of that form, or breaks the limits of an id.
    public init(_ text: String) throws(VaultError) {
        _ = try ConnectionID(text)
        guard !text.utf8.dropLast().contains(UInt8(ascii: "*")) else {
            throw VaultError(.invalidArgument, .authorize, .wrongCharacter)
        }
        self.init(checked: text)
    }

    /// Whether it is for this connection; byte by byte, as ids are compared.
    public func matches(_ id: ConnectionID) -> Bool {
        guard text.utf8.last == UInt8(ascii: "*") else {
            return text.utf8.elementsEqual(id.text.utf8)
        }
        return id.text.utf8.starts(with: text.utf8.dropLast())
    }

    /// As it was written.
    public var description: String { text }
}

/// A key of the JSON API, without its secret, which nobody has but who uses it.
public struct APIKey: Hashable, Sendable {
    /// 16 hexadecimal digits, part of the key; no secret.
    public let id: String
    /// What the operator calls it.
    public let name: String
    /// What it may do.
    public let scopes: Set<APIScope>
    /// Which connections it is for.
    public let connections: ConnectionPattern
    /// When it was made.
    public let created: UnixTime
    /// When it is of no use any more; nil where it does not expire.
    public let expires: UnixTime?

    package init(
        id: String, name: String, scopes: Set<APIScope>, connections: ConnectionPattern,
        created: UnixTime, expires: UnixTime?
    ) {
        (self.id, self.name, self.scopes, self.connections) = (id, name, scopes, connections)
        (self.created, self.expires) = (created, expires)
    }

    /// The longest name, in bytes.
    public static let nameBytesMax = 255

    package static let idBytes = 16
}
