// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// How long a refresh that is under way is awaited, in milliseconds.
    static let answerMilliseconds: Int64 = 10_000

    /// Ends a connection: stops its refreshing, revokes both tokens at the provider where it can,
    /// and erases them so that nothing of them can be read again, not even with the root key.
    ///
    /// In this order: an access token that has expired refreshed, where the provider revokes by it,
    /// for at most ten seconds; a durable fence; unsent requests cancelled, a sent one awaited at
    /// most ten seconds; tokens revoked, those of an answer that nobody could use first, best
    /// effort and bounded; the key slot overwritten and synced, twice; the record deleted; the
    /// receipt. If the process dies in between, the next open
    /// finishes it. The id can be connected again.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter waiting: for how long the revocation is tried again where the provider is down,
    ///   at its end once more; a day at most, and until the vault is drained. The connection is
    ///   fenced meanwhile and its tokens are kept, since nobody could revoke them without; they are
    ///   not refreshed any more.
    /// - Throws: `notFound`; `disconnecting` while another call ends it; `storeFull`,
    ///   `storageFailed`, `tooManySecrets`: the fence holds, and the call can be repeated;
    ///   `authenticationFailed` where the record does not open: nothing is erased then.
    @discardableResult
    public func disconnect(
        _ id: ConnectionID, waiting: Duration = .zero
    ) async throws(VaultError) -> DisconnectReceipt {
        try checkProcess()
        return try await disconnect(id, revoking: true, waiting: waiting)
    }

    func disconnect(
        _ id: ConnectionID, revoking: Bool, waiting: Duration = .zero
    ) async throws(VaultError) -> DisconnectReceipt {
        try await verified()
        let key = store.key(.connection, id.text)
        if revoking { await renewForRevocation(id, key) }
        do throws(VaultError) {
            try refresher.beginErasing(key)
            defer { refresher.endErasing(key) }
            let handle = try await fence(id, key)
            refresher.deviceFlows.end(
                id, nil, .failure(VaultError(.disconnecting, .vault, connection: id)))
            // Of an attempt that is on record nobody heard the answer, and it may have brought
            // other tokens.
            let isInDoubt = refresher.shared.withLock { $0.doubts[key] != nil }
            let listensUntil = await refresher.orphan(
                key, handle: handle, milliseconds: Self.answerMilliseconds)
            let outcomes =
                revoking ? try await revoke(key, waiting: waiting) : Revocation.Outcomes()
            let erasure = Self.erasure(of: key, time.now())
            refresher.endDoubt(key, erasure)
            let erased = try await durable(erasure)
            let end = time.now()
            feed.publish(VaultEvent(time: end, kind: .disconnected, number: 1, connection: id))
            let quality = erased.erasure
            return DisconnectReceipt(
                connection: id, refreshToken: outcomes.refreshToken,
                accessToken: outcomes.accessToken,
                accessTokenExpiry: outcomes.held.accessTokenExpiry,
                refreshTokenExpiry: outcomes.held.refreshTokenExpiry,
                isEveryAnswerIn: listensUntil == nil && !isInDoubt,
                listensUntil: listensUntil, earlierGrants: outcomes.held.earlierGrants,
                erasedSlots: erased.erasedSlots,
                erasure: quality?.isInPlace ?? false
                    ? .inPlace : .bestEffort(fileSystem: quality?.fileSystem ?? 0),
                completed: end)
        } catch {
            throw error.concerning(id)
        }
    }

    /// Makes it durable that the connection ends: from here on only its erasure changes it.
    private func fence(_ id: ConnectionID, _ key: RecordKey) async throws(VaultError) -> Handle {
        let now = time.now()
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.fence(key))
        commit.add(.event(EventEntry(time: now, key: key, kind: .disconnectStarted)))
        let handle = try await durable(commit).handle
        feed.publish(VaultEvent(time: now, kind: .disconnectStarted, number: 0, connection: id))
        return handle
    }

    private static func erasure(of key: RecordKey, _ now: UnixTime) -> Commit {
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.erase(key))
        commit.add(.event(EventEntry(time: now, key: key, kind: .disconnected, number: 1)))
        return commit
    }

    /// The same of what an earlier process had begun to erase: only the end of a connection is an
    /// event, and not that of an application, a key or a webhook.
    static func erasure(
        ofLeftOver key: RecordKey, _ now: UnixTime, _ store: any Reading
    ) -> Commit {
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.erase(key))
        let kind = (try? store.kind(of: key)) ?? .connection
        if kind == .connection {
            commit.add(.event(EventEntry(time: now, key: key, kind: .disconnected, number: 2)))
        }
        return commit
    }

    /// Finishes, at open, a disconnect that was cut short: what was revoked was revoked, the rest
    /// is erased. One whose record does not open after all waits for the scan.
    static func finishDisconnect(
        _ key: RecordKey, store: any Reading, committer: any Committing, time: any TimeSource
    ) throws(VaultError) {
        let commit = erasure(ofLeftOver: key, time.now(), store)
        commit.isRecovery = true
        do throws(VaultError) {
            _ = try durable(commit, committer)
        } catch {
            guard error.code == .authenticationFailed || error.code == .notFound else {
                throw error
            }
        }
    }
}
