// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// How long a refresh that is under way is awaited, in milliseconds.
    static let answerMilliseconds: Int64 = 10_000

    /// Ends a connection: stops its refreshing, revokes both tokens at the provider where it can,
    /// and erases them so that nothing of them can be read again, not even with the root key.
    ///
    /// In this order: a durable fence; unsent requests cancelled, a sent one awaited at most ten
    /// seconds; tokens revoked, best effort and bounded; the key slot overwritten and synced, twice;
    /// the record deleted; the receipt. If the process dies in between, the next open finishes it.
    /// The id can be connected again.
    ///
    /// - Throws: `notFound`; `disconnecting` where another call is at it; `storageFailed`.
    public func disconnect(_ id: ConnectionID) async throws(VaultError) -> DisconnectReceipt {
        try await disconnect(id, revoking: true)
    }

    func disconnect(
        _ id: ConnectionID, revoking: Bool
    ) async throws(VaultError) -> DisconnectReceipt {
        let key = store.key(.connection, id.text)
        do throws(VaultError) {
            let now = time.now()
            let fence = try await commit { commit in
                commit.mustLand = true
                commit.add(.fence(key))
                commit.add(.event(EventEntry(time: now, key: key, kind: .disconnectStarted)))
            }
            feed.publish(
                VaultEvent(time: now, kind: .disconnectStarted, number: 0, connection: id))
            let isEveryAnswerIn = await refresher.orphan(
                key, slot: fence.slot, milliseconds: Self.answerMilliseconds)
            let outcomes = revoking ? await revoke(key) : Revocation.Outcomes()
            let quality = ErasureQuality(directory.path)
            let end = time.now()
            let committed = try await commit { commit in
                commit.mustLand = true
                commit.add(.erase(key))
                commit.add(
                    .event(EventEntry(time: end, key: key, kind: .disconnected, number: 1)))
            }
            feed.publish(VaultEvent(time: end, kind: .disconnected, number: 1, connection: id))
            return DisconnectReceipt(
                connection: id, refreshToken: outcomes.refreshToken,
                accessToken: outcomes.accessToken, isEveryAnswerIn: isEveryAnswerIn,
                erasedSlots: committed.erasedSlots, 
                erasure: quality.isInPlace
                    ? .inPlace : .bestEffort(fileSystem: quality.fileSystem),
                completed: time.now())
        } catch {
            throw error.concerning(id)
        }
    }

    /// Asks for the revocation of what the fenced record holds; never fails.
    private func revoke(_ key: RecordKey) async -> Revocation.Outcomes {
        let outcomes = Monitor<Revocation.Outcomes?>(nil)
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            do throws(VaultError) {
                guard let opened = try store.open(key) else {
                    return unsafe continuation.resume()
                }
                let record = ConnectionRecord(fields: opened.takeFields())
                guard let tokens = try record.tokens(), let application = record.application
                else { return unsafe continuation.resume() }
                try Revocation(network).send(store.application(application), tokens) { result in
                    outcomes.withLock { $0 = result }
                    unsafe continuation.resume()
                }
            } catch {
                outcomes.withLock {
                    $0 = Revocation.Outcomes(
                        refreshToken: .failed(number: 0), accessToken: .failed(number: 0))
                }
                unsafe continuation.resume()
            }
        }
        return outcomes.withLock { $0 } ?? Revocation.Outcomes()
    }

    /// Finishes, at open, a disconnect that was cut short: what was revoked was revoked, the rest is
    /// erased.
    static func finishDisconnect(
        _ key: RecordKey, committer: any Committing, time: any TimeSource
    ) throws(VaultError) {
        let now = time.now()
        _ = try commitAndWait(committer) { commit in
            commit.mustLand = true
            commit.add(.erase(key))
            commit.add(.event(EventEntry(time: now, key: key, kind: .disconnected, number: 1)))
        }
    }
}
