// SPDX-License-Identifier: Apache-2.0

/// An access token that the vault has lent: what a call of the provider's API needs, and what a
/// report about that call says which token it was.
///
/// It is wiped where its scope ends, and may be held across `await`; it is not refreshed meanwhile,
/// so ask for another one for the next call. Each holds a block of `SecretArena` until then, of
/// which there are 4,096 for tokens of up to 128 bytes, 3,072 up to 512, 1,536 up to 2,048 and 128
/// up to 8,192; where all are held, other calls throw `tooManySecrets` after a second.
public struct LentToken: ~Copyable, Sendable {
    /// The token's bytes.
    public let secret: Secret
    /// The connection that it is of.
    public let connection: ConnectionID
    /// Which tokens of the connection it is of: the number grows with each refresh.
    public let generation: UInt64
    /// When it expires; nil where nobody said.
    public let expiry: UnixTime?
    /// Whether the one before was reported rejected.
    let followsRejection: Bool

    /// Ends the token now instead of at the end of its scope.
    public consuming func destroy() {}

    /// The value of the `Authorization` header, `Bearer` and the token (RFC 6750 section 2.1), in a
    /// block of its own.
    ///
    /// - Throws: `tooManySecrets`; `invalidArgument` where the token has a byte that no header may
    ///   have (RFC 9110 section 5.5), such as a line end: somebody put it so.
    public borrowing func authorizationHeader() throws(VaultError) -> Secret {
        for index in 0..<secret.count {
            guard (0x21...0x7e).contains(secret.bytes.byte(at: index)) else {
                throw VaultError(.invalidArgument, .vault, .wrongCharacter, .accessToken)
                    .concerning(connection)
            }
        }
        var header = try Secret(capacity: Self.scheme.utf8.count + secret.count)
        guard header.append(Self.scheme), header.append(secret.bytes) else {
            throw VaultError(.limitExceeded, .vault, connection: connection)
        }
        return header
    }

    private static let scheme = "Bearer "
}
