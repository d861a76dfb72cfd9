// SPDX-License-Identifier: Apache-2.0

/// What a disconnect stopped, revoked and erased, and how good the erasure is.
public struct DisconnectReceipt: Sendable, Equatable {
    /// What the provider made of a revocation (RFC 7009).
    @nonexhaustive
    public enum Revocation: Sendable, Equatable {
        /// There was no such token.
        case notNeeded
        /// The provider said that the token is gone.
        case revoked
        /// The provider has no revocation endpoint, or does not revoke this kind of token.
        case unsupported
        /// The provider could not be reached or refused, or nobody knows any more how to ask it;
        /// the token may live until it expires. `number` is the HTTP status; where no answer came
        /// curl's number, negative; 0 where nothing could be sent. `detail` is what else is known.
        case failed(number: Int, detail: FailureDetail)
    }

    /// How well this file system lets go of what is overwritten in place.
    @nonexhaustive
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
    /// The refresh token's revocation. Where an answer that nobody could use held a newer one it is
    /// of both.
    public let refreshToken: Revocation
    /// The same of the access token.
    public let accessToken: Revocation
    /// When the access token expires, as far as that is known; nil too where there was none, and
    /// where a newer one was not revoked.
    public let accessTokenExpiry: UnixTime?
    /// The same of the refresh token.
    public let refreshTokenExpiry: UnixTime?
    /// False where a refresh was still unanswered after ten seconds: its tokens, should they come,
    /// are revoked and wiped, never stored. False as well where the answer to one was never heard,
    /// since it was lost, or an earlier process ended before it: what it brought, if anything,
    /// nobody here can revoke.
    public let isEveryAnswerIn: Bool
    /// Until when that answer is listened for at most, while the vault is open; nil where none is.
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

    /// Whether a token lives on at the provider, or may: one that was not revoked, for whatever
    /// reason, and has not expired, or an earlier grant. Nobody here can revoke it any more.
    public var tokensLiveOn: Bool {
        refreshTokenLivesOn || accessTokenLivesOn || earlierGrants > 0
    }

    /// The same of the refresh token alone.
    public var refreshTokenLivesOn: Bool { lives(refreshToken, until: refreshTokenExpiry) }

    /// The same of the access token alone.
    public var accessTokenLivesOn: Bool { lives(accessToken, until: accessTokenExpiry) }

    private func lives(_ outcome: Revocation, until expiry: UnixTime?) -> Bool {
        switch outcome {
        case .notNeeded, .revoked: false
        case .unsupported, .failed: expiry.map { $0 > completed } ?? true
        }
    }
}
