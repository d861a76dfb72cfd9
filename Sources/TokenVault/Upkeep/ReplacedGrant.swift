// SPDX-License-Identifier: Apache-2.0

/// The grant that a connection had when it was connected again. Its tokens are kept only where they
/// are to be revoked, and only until then.
final class ReplacedGrant: Sendable {
    private struct State: ~Copyable {
        var isThere = false
        var tokens: TokenSet?
        /// What was its own of the application.
        var own: OwnSettings?
        /// Those of an answer that lies unread, which are newer.
        var unread: UnreadReply.Tokens?
        /// What was captured with them: the revocation may need it.
        var captured: [String: String] = [:]
        /// Whether there may be newer ones that nobody here has.
        var isIncomplete = false
        /// Whether what it had was revoked; nil until that is known.
        var isRevoked: Bool?
    }

    /// The application whose provider has a grant for each authorization; nil where nothing is to
    /// be revoked.
    let application: ApplicationID?
    private let state = Monitor(State())

    init(revokedBy application: ApplicationID?) { self.application = application }

    /// Looks at the record that the new tokens are to replace; perhaps more than once.
    func take(
        _ record: borrowing ConnectionRecord, by reply: borrowing TokenReply, _ now: UnixTime
    ) throws(VaultError) {
        let holdsUnread = record.holdsUnread
        // What the client had asked for by itself is no grant, and the token ends by itself.
        let isThere =
            Self.isAlive(record, now) && record.hasAccessToken && !record.grant.asksAnew
            && !Self.isSame(record, reply)
        let isRevoked = isThere && application != nil && record.application == application
        var tokens = isRevoked ? try record.tokens() : nil
        var unread: UnreadReply.Tokens?
        if isRevoked, holdsUnread, let body = try record.unreadReply() {
            unread = try UnreadReply.tokens(in: body.bytes)
        }
        let own = isRevoked ? try record.own() : nil
        state.withLock { state in
            state.isThere = isThere
            state.own = own
            state.captured = isRevoked ? record.capturedValues : [:]
            state.tokens = tokens.take()
            state.unread = unread.take()
        }
    }

    var isThere: Bool { state.withLock { $0.isThere } }

    /// Whether its tokens are to be revoked, those of an answer that is to come too.
    var isToBeRevoked: Bool {
        state.withLock { $0.isThere && $0.tokens != nil }
    }

    /// What was its own of the application, whose client the tokens were issued to.
    var own: OwnSettings? { state.withLock { $0.own } }

    /// The tokens, once.
    func takeTokens() -> TokenSet? { state.withLock { $0.tokens.take() } }

    /// What was captured with them.
    var captured: [String: String] { state.withLock { $0.captured } }

    /// The same of those that lie unread.
    func takeUnread() -> UnreadReply.Tokens? { state.withLock { $0.unread.take() } }

    /// An answer is to come, or was never heard: nobody can say that the grant is over.
    func setIncomplete() { state.withLock { $0.isIncomplete = true } }

    /// What became of the tokens that it had. True where that was all of it.
    func note(isRevoked: Bool) -> Bool {
        state.withLock { state in
            state.isRevoked = isRevoked
            return isRevoked && !state.isIncomplete
        }
    }

    /// The answer that was to come has, and its tokens were revoked. True where that was the rest,
    /// and it was said before that something is left.
    func complete() -> Bool {
        state.withLock { state in
            state.isIncomplete = false
            return state.isRevoked ?? false
        }
    }

    /// Whether the provider may still have the grant of a record.
    static func isAlive(_ record: borrowing ConnectionRecord, _ now: UnixTime) -> Bool {
        record.state == .active && !isOver(record, now)
            // Also where it was taken for lost since: the answer may have brought another token.
            || record.holdsUnread && (record.state == .active || record.state == .failed)
    }

    /// Whether all that there was of it has expired.
    private static func isOver(_ record: borrowing ConnectionRecord, _ now: UnixTime) -> Bool {
        guard let expiry = record.accessTokenExpiry, expiry <= now else { return false }
        guard record.hasRefreshToken else { return true }
        return record.refreshTokenExpiry.map { $0 <= now } ?? false
    }

    /// Whether the provider answered with the refresh token that there was: then it has one grant
    /// for both, and revoking the old one would end the new.
    static func isSame(
        _ record: borrowing ConnectionRecord, _ reply: borrowing TokenReply
    ) -> Bool {
        guard let place = record.fields.range(ConnectionTag.refreshToken),
            let token = reply.refreshTokenBytes
        else { return false }
        return Sodium.isEqual(record.fields.bytes.extracting(place), token)
    }
}

extension ReplacedGrant {
    /// One grant less that may live on.
    ///
    /// - Parameter handle: of the life that it was replaced in, where that may be over.
    static func forgetting(handle: Handle? = nil) -> Revision {
        Revision(addedBytesMax: 2 * (Fields.headBytes + 8)) {
            (record, version) throws(VaultError) in
            let left = record.earlierGrants
            guard left > 0, handle == nil || handle == version.handle else { return .leave }
            try record.keepTokens(of: version.generation)
            if left == 1 {
                try record.fields.set(ConnectionTag.earlierGrants, nil)
            } else {
                try record.fields.set(ConnectionTag.earlierGrants, integer: left - 1)
            }
            return .change
        }
    }
}
