// SPDX-License-Identifier: Apache-2.0

/// The name of a flow that a connection link starts: whoever made the link knows it by this, and is
/// asked by this who finishes it. It opens nothing. It stays with the platform until the browser
/// brings it: whoever knows it earlier could ask for the confirmation of what somebody else has
/// finished.
public struct FlowID: Hashable, Sendable, CustomStringConvertible {
    /// 43 characters of base64url: 256 random bits.
    public let text: String

    static let randomBytes = 32
    static let byteCount = 43

    /// - Throws: `invalidArgument` where the text has another form.
    public init(_ text: String) throws(VaultError) {
        guard Self.isWellFormed(text) else {
            throw VaultError(.invalidArgument, .authorize, .wrongCharacter)
        }
        self.text = text
    }

    static func random() throws(VaultError) -> FlowID {
        let random = try Secret(random: randomBytes)
        return try FlowID(TextEncoding.base64URLText(random.bytes))
    }

    /// Whether a text may be one, or the token of a link.
    static func isWellFormed(_ text: String) -> Bool {
        text.utf8.count == byteCount
            && text.utf8.allSatisfy {
                TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: ".")
                    && $0 != UInt8(ascii: "~")
            }
    }

    /// The id as text.
    public var description: String { text }
}
