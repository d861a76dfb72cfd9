// SPDX-License-Identifier: Apache-2.0

// Whether tokens are of the account that the connection has, where its application takes no other.
extension Vault {
    /// Stores tokens that were granted. Where they cannot be stored, or are not to be, they are
    /// revoked and wiped, and the connection is as it was.
    ///
    /// - Parameter place: held until the provider has answered a revocation.
    /// - Returns: what was looked up before they were stored; nil where that was not needed.
    /// - Throws: what `store` does; `otherAccount`.
    func take(
        _ granted: GrantedTokens, _ application: borrowing Application, _ own: OwnSettings?,
        _ captured: [String: String], _ target: NewGrant, _ life: UInt64?, _ room: ExchangeRoom,
        place: ExchangeListeners.Place? = nil, taking taken: RecordKey? = nil
    ) async throws(VaultError) -> LookupFinding? {
        do throws(VaultError) {
            var target = target
            let found = try await confirmAccount(granted, application, captured, &target)
            try await store(granted, own, captured, target, life, room, taking: taken)
            return found
        } catch {
            let isRevoked =
                error.code != .otherAccount || mayRevoke(granted.reply, application, target)
            if isRevoked { Self.revoke(granted.reply, application, network, place) }
            throw error
        }
    }

    /// Looks up whose the tokens are, where that decides whether they are taken.
    private func confirmAccount(
        _ granted: GrantedTokens, _ application: borrowing Application,
        _ captured: [String: String], _ target: inout NewGrant
    ) async throws(VaultError) -> LookupFinding? {
        guard application.refusesOtherAccount else { return nil }
        let last = try lastAccount(target.connection)
        target.takenAccount = .only(last)
        guard let last else { return nil }
        let known = granted.reply.captured.reduce(into: captured) { $0[$1.name] = $1.value }
        let found = await finding(with: granted, application, known)
        guard let account = found?.account else {
            throw VaultError(.otherAccount, .vault, .accountUnknown)
        }
        // Byte by byte: accounts are no words.
        guard account.utf8.elementsEqual(last.utf8) else {
            throw VaultError(.otherAccount, .vault, .otherAccount)
        }
        return found
    }

    private func lastAccount(_ id: ConnectionID) throws(VaultError) -> String? {
        guard let opened = try store.open(store.key(.connection, id.text)) else { return nil }
        return ConnectionRecord(fields: opened.takeFields()).lastAccount
    }

    /// Whether revoking refused tokens leaves the grant alone that the connection has: where a
    /// provider has one grant for both, it would end that as well. What nobody knows of is left to
    /// expire.
    private func mayRevoke(
        _ reply: borrowing TokenReply, _ application: borrowing Application, _ target: NewGrant
    ) -> Bool {
        do throws(VaultError) {
            let key = store.key(.connection, target.connection.text)
            guard let opened = try store.open(key) else { return true }
            let record = ConnectionRecord(fields: opened.takeFields())
            guard !Self.holds(record, reply), !ReplacedGrant.isSame(record, reply) else {
                return false
            }
            return application.provider.revokesReplacedGrant
                || !ReplacedGrant.isAlive(record, time.now())
        } catch {
            return false
        }
    }
}

extension NewGrant {
    /// Whose connection the tokens may replace.
    enum TakenAccount: Sendable {
        case any
        /// That of this account; nil where it had none when the tokens came.
        case only(String?)
    }

    /// Where somebody else has connected it while the tokens were on their way, nobody has compared
    /// the accounts.
    func checkAccount(_ record: borrowing ConnectionRecord) throws(VaultError) {
        guard case .only(let taken) = takenAccount, let last = record.lastAccount, last != taken
        else { return }
        throw VaultError(.otherAccount, .vault, .accountUnknown)
    }
}
