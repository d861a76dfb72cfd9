// SPDX-License-Identifier: Apache-2.0

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
            // It is left as it is, and that is what the event says.
            return nil
        }
    }

    /// Revokes the grant that was replaced, where that is wanted, and says what became of it. The
    /// new tokens are durable; nothing of this can fail.
    func end(_ replaced: ReplacedGrant, _ id: ConnectionID, _ key: RecordKey) async {
        guard replaced.isThere else { return }
        let isOver = replaced.note(isRevoked: await revoke(replaced))
        if isOver {
            let commit = Commit()
            commit.add(.revise(key, ReplacedGrant.forgetting()))
            _ = try? await durable(commit)
        }
        await record(id, .grantReplaced, number: isOver ? 0 : 1)
    }

    private func revoke(_ replaced: ReplacedGrant) async -> Bool {
        guard let application = replaced.application else { return false }
        let (revocation, own) = (Revocation(network), replaced.own)
        let captured = replaced.captured
        var isUnreadRevoked = true
        switch replaced.takeUnread() {
        case .none: break
        case .some(let tokens):
            let names = tokens.names
            let outcomes = await revocation.outcomes { [store] (end) throws(VaultError) in
                try revocation.send(
                    store.application(application, for: own), tokens, captured: captured, end)
            }
            isUnreadRevoked = outcomes.isComplete && names.isComplete
        }
        switch replaced.takeTokens() {
        case .none: return false
        case .some(let tokens):
            return await revocation.outcomes { [store] (end) throws(VaultError) in
                try revocation.send(
                    store.application(application, for: own), tokens, captured: captured, end)
            }.isComplete && isUnreadRevoked
        }
    }
}
