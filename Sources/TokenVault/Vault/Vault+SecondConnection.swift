// SPDX-License-Identifier: Apache-2.0

// The tokens beside its own that the answer to a code holds: Slack's user's, beside the bot's.
extension Vault {
    /// Checks that the second connection of a flow can be made.
    ///
    /// - Throws: `invalidArgument` where its id would be too long, `alreadyExists`.
    func checkSecond(
        _ id: ConnectionID, _ application: borrowing Application
    ) throws(VaultError) {
        guard let second = try application.provider.secondConnection?.id(of: id),
            let opened = try store.open(store.key(.connection, second.text))
        else { return }
        guard ConnectionRecord(fields: opened.takeFields()).application == application.id else {
            throw VaultError(.alreadyExists, .vault, connection: second)
        }
    }

    /// Stores them as the second connection's. The first is connected by then, whatever becomes of
    /// these; where they cannot be stored they are revoked, and the log of the second says why. So
    /// it does where no block is free for them within a minute: then they are wiped, and live on at
    /// the provider.
    func storeSecond(
        of granted: GrantedTokens, _ application: borrowing Application, _ own: OwnSettings?,
        _ captured: [String: String], _ flow: borrowing PendingAuthorization, _ room: ExchangeRoom
    ) async {
        guard granted.reply.hasSecond,
            let id = try? application.provider.secondConnection?.id(of: flow.connection)
        else { return }
        do throws(VaultError) {
            guard let reply = try await second(of: granted) else { return }
            let second = GrantedTokens(reply, application, requestedAt: granted.requestedAt)
            let found = try await take(
                second, application, own, captured, NewGrant(flow, second: id), nil, room)
            await lookUp(with: second, application, id, known: found)
        } catch {
            await record(id, .connectFailed, number: error.eventNumber)
        }
    }

    private func second(of granted: GrantedTokens) async throws(VaultError) -> TokenReply? {
        for attempt in 1...Self.storeAttemptsMax {
            do throws(VaultError) {
                return try granted.reply.second()
            } catch {
                guard error.code == .tooManySecrets, attempt < Self.storeAttemptsMax,
                    await refresher.pause(milliseconds: Refresher.storeAgainMilliseconds)
                else { throw error }
            }
        }
        return nil
    }
}

extension Provider.SecondConnection {
    /// The id of the second connection of this one.
    ///
    /// - Throws: `invalidArgument` where it would be too long.
    func id(of first: ConnectionID) throws(VaultError) -> ConnectionID {
        try ConnectionID(first.text + suffix)
    }
}
