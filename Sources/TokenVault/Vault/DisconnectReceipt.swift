// SPDX-License-Identifier: Apache-2.0

/// What a disconnect stopped, revoked and erased, and how good the erasure is.
public struct DisconnectReceipt: Sendable, Equatable {
    /// What the provider made of a revocation (RFC 7009).
    public enum Revocation: Sendable, Equatable {
        /// There was no such token, or nobody asked for it.
        case notNeeded
        /// The provider said that the token is gone.
        case revoked
        /// The provider has no revocation endpoint, or does not revoke this kind of token.
        case unsupported
        /// The provider could not be reached or refused; the token may live until it expires.
        /// `number` is the HTTP status, 0 where no answer came.
        case failed(number: Int)
    }

    /// How well this file system lets go of what is overwritten in place.
    public enum Erasure: Sendable, Equatable {
        /// Overwriting replaces the bytes (ext4 in ordered mode, XFS, tmpfs). What the device
        /// itself keeps, a flash controller or a snapshot below, is beyond any file's reach.
        case inPlace
        /// Copy on write, or a journal of data: old bytes of the key slot may stay on the device
        /// for a while. The file system's magic number, as statfs(2) lists them.
        case bestEffort(fileSystem: Int)
    }

    /// The connection that is gone.
    public let connection: ConnectionID
    /// The refresh token's revocation.
    public let refreshToken: Revocation
    /// The access token's revocation.
    public let accessToken: Revocation
    /// False where a refresh was still unanswered after ten seconds: its tokens, should they come,
    /// are revoked and wiped, never stored.
    public let isEveryAnswerIn: Bool
    /// Until when that answer is listened for at most, while the vault is open; nil where every
    /// answer is in.
    public let listensUntil: UnixTime?
    /// How many grants the connection had before, and connecting again left behind, that may live
    /// on at the provider: see `Provider.revokesReplacedGrant`.
    public let earlierGrants: Int
    /// How many key slots were overwritten, synced, zeroed and synced, each after the record of
    /// this connection had opened under the key in it.
    public let erasedSlots: Int
    /// How good that is here.
    public let erasure: Erasure
    /// When all of it was done.
    public let completed: UnixTime

    /// Whether the provider was asked to revoke a token and did not: it lives on there, and nobody
    /// can revoke it any more.
    public var tokensLiveOn: Bool {
        [refreshToken, accessToken].contains { outcome in
            if case .failed = outcome { true } else { false }
        }
    }
}
