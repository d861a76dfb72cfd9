// SPDX-License-Identifier: Apache-2.0

/// The grant that a connection had when it was connected again. Its tokens are kept only where they
/// are to be revoked, and only until then.
final class ReplacedGrant: Sendable {
    private struct State: ~Copyable {
        var isThere = false
        var tokens: TokenSet?
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
        let isThere =
            record.state == .active && record.hasAccessToken && !Self.isOver(record, now)
            && !Self.isSame(record, reply)
        let isRevoked = isThere && application != nil && record.application == application
        let tokens = isRevoked ? try record.tokens() : nil
        var kept: TokenSet?? = .some(tokens)
        state.withLock { state in
            state.isThere = isThere
            state.tokens = kept.take() ?? nil
        }
    }

    var isThere: Bool { state.withLock { $0.isThere } }

    /// The tokens, once.
    func takeTokens() -> TokenSet? { state.withLock { $0.tokens.take() } }

    /// Whether all that there was of it has expired.
    private static func isOver(_ record: borrowing ConnectionRecord, _ now: UnixTime) -> Bool {
        guard let expiry = record.accessTokenExpiry, expiry <= now else { return false }
        guard record.hasRefreshToken else { return true }
        return record.refreshTokenExpiry.map { $0 <= now } ?? false
    }

    /// Whether the provider answered with the refresh token that there was: then it has one grant
    /// for both, and revoking the old one would end the new.
    private static func isSame(
        _ record: borrowing ConnectionRecord, _ reply: borrowing TokenReply
    ) -> Bool {
        guard let place = record.fields.range(ConnectionTag.refreshToken),
            let token = reply.refreshTokenBytes
        else { return false }
        return Sodium.isEqual(record.fields.bytes.extracting(place), token)
    }
}

extension Vault {
    /// The application of a connection, where connecting again is to revoke what it had.
    func revoker(of key: RecordKey) -> ApplicationID? {
        do throws(VaultError) {
            guard let opened = try store.open(key) else { return nil }
            let record = ConnectionRecord(fields: opened.takeFields())
            guard let id = record.application,
                try store.application(id).provider.revokesReplacedGrant
            else { return nil }
            return id
        } catch {
            // It is left alive, which is what is told then.
            return nil
        }
    }

    /// Revokes the grant that was replaced, where that is wanted, and says what became of it. The
    /// new tokens are durable; nothing of this can fail.
    func end(_ replaced: ReplacedGrant, _ id: ConnectionID, _ key: RecordKey) async {
        guard replaced.isThere else { return }
        let isRevoked = await revoke(replaced)
        if isRevoked { await forgetEarlierGrant(key) }
        await record(id, .grantReplaced, number: isRevoked ? 0 : 1)
    }

    private func revoke(_ replaced: ReplacedGrant) async -> Bool {
        guard let application = replaced.application else { return false }
        switch replaced.takeTokens() {
        case .none: return false
        case .some(let tokens):
            let revocation = Revocation(network)
            return await revocation.outcomes { [store] (end) throws(VaultError) in
                try revocation.send(store.application(application), tokens, end)
            }.isComplete
        }
    }

    private func forgetEarlierGrant(_ key: RecordKey) async {
        let revision = Revision(addedBytesMax: 2 * (Fields.headBytes + 8)) {
            (record, header) throws(VaultError) in
            let left = record.earlierGrants
            guard left > 0 else { return .leave }
            try record.keepTokens(of: header.generation)
            if left == 1 {
                try record.fields.set(ConnectionTag.earlierGrants, nil)
            } else {
                try record.fields.set(ConnectionTag.earlierGrants, integer: left - 1)
            }
            return .change
        }
        let commit = Commit()
        commit.add(.revise(key, revision))
        _ = try? await durable(commit)
    }
}
