// SPDX-License-Identifier: Apache-2.0

// What a code was exchanged for, on its way into the store.
extension Vault {
    /// Puts tokens that were just granted over whatever the connection had.
    ///
    /// - Parameter taken: a flow that is open until they are stored; `notFound` where it is gone.
    func store(
        _ granted: GrantedTokens, _ own: OwnSettings?, _ captured: [String: String],
        _ target: NewGrant, _ life: UInt64?, _ room: ExchangeRoom, taking taken: RecordKey? = nil
    ) async throws(VaultError) {
        for attempt in 1...Self.storeAttemptsMax {
            do throws(VaultError) {
                return try await storeOnce(granted, own, captured, target, life, room, taken)
            } catch {
                // Longer tokens than there was room kept for.
                guard error.code == .tooManySecrets, attempt < Self.storeAttemptsMax,
                    await refresher.pause(milliseconds: Refresher.storeAgainMilliseconds)
                else { throw error }
            }
        }
    }

    private func storeOnce(
        _ granted: GrantedTokens, _ own: OwnSettings?, _ captured: [String: String],
        _ target: NewGrant, _ life: UInt64?, _ room: ExchangeRoom, _ taken: RecordKey?
    ) async throws(VaultError) {
        let (id, application) = (target.connection, target.application)
        let scope = target.requestedScope
        let key = store.key(.connection, id.text)
        let queue = refresher.queue(application, own, target.grant)
        let now = time.now()
        let replaced = ReplacedGrant(revokedBy: revoker(of: key))
        let addedBytes =
            granted.reply.addedBytesMax + (scope?.utf8.count ?? 0) + application.text.utf8.count
            + (target.subject?.utf8.count ?? 0) + 17 * (Fields.headBytes + 8)
            + Self.byteCount(own, captured)
        let revision = Revision(
            addedBytesMax: addedBytes, new: target.maker(now)
        ) { [refresher] (record, version) throws(VaultError) in
            guard target.takes(record, version, life) else { return .leave }
            try replaced.take(record, by: granted.reply, now)
            if replaced.isThere {
                try record.fields.set(
                    ConnectionTag.earlierGrants, integer: record.earlierGrants &+ 1)
            }
            // What failed for want of tokens is over.
            if record.state == .configured { try record.set(useFailure: nil) }
            // A new grant: nothing of the old one, its refresh token least of all, may stay.
            try record.forgetRefreshToken()
            try record.forgetCaptured()
            try record.set(target.grant, subject: target.subject)
            try record.fields.set(ConnectionTag.grantedScope, nil)
            try record.fields.set(ConnectionTag.used, nil)
            try record.fields.set(ConnectionTag.refreshed, nil)
            if record.application != application {
                try record.set(scopes: [], userScopes: [])
            }
            try record.fields.set(ConnectionTag.application, text: application.text)
            try record.fields.set(ConnectionTag.requestedScope, text: scope)
            try record.fields.set(own, ConnectionTag.own)
            try record.fields.set(ConnectionTag.captured, values: captured)
            try record.fields.set(ConnectionTag.connected, time: now)
            try record.fields.set(ConnectionTag.isExchanged, integer: UInt8(1))
            try record.adopt(granted.reply, granted.terms, requestStart: granted.requestedAt)
            return .replan(refresher.plan(record, queue))
        }
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.revise(key, revision))
        if let taken { commit.add(.takeFlow(taken)) }
        commit.add(.event(EventEntry(time: now, key: key, kind: .connected)))
        room.release()
        let committed = try await durable(commit) { [refresher] committed in
            guard committed.fate == .changed else { return }
            refresher.schedule(committed.handle, committed.plan)
            refresher.supersede(key, committed.handle, replaced)
            refresher.noteServed(key, committed.handle, queue, now)
        }
        switch committed.fate {
        case .changed:
            feed.publish(VaultEvent(time: now, kind: .connected, number: 0, connection: id))
            await end(replaced, id, key)
        case .left:
            throw VaultError(target.leftCode, .vault)
        // Disconnected while its flow was open: the flow does not bring it back.
        case .disconnecting: throw VaultError(.disconnecting, .vault)
        case .missing, .none: throw VaultError(.notFound, .vault)
        }
    }

    /// By how many bytes what is a connection's own makes its record longer.
    private static func byteCount(_ own: OwnSettings?, _ captured: [String: String]) -> Int {
        var (count, fields) = (own?.byteCount ?? 0, captured.count + (own?.fieldCount ?? 0))
        for (name, value) in captured { count += name.utf8.count + value.utf8.count }
        fields *= Fields.headBytes + 2
        return count + fields
    }

    /// How often tokens are tried to be stored that there is no room to seal.
    static let storeAttemptsMax = 60
}

extension NewGrant {
    /// Makes the second connection's record; the flow's own is there since it was started.
    fileprivate func maker(
        _ now: UnixTime
    ) -> (@Sendable () throws(VaultError) -> ConnectionRecord)? {
        guard isSecond else { return nil }
        return { [connection] () throws(VaultError) in
            try ConnectionRecord(id: connection, now: now)
        }
    }

    /// Whether the tokens may replace what a record holds.
    ///
    /// - Parameter life: the one in which they were asked for.
    fileprivate func takes(
        _ record: borrowing ConnectionRecord, _ version: RecordVersion, _ life: UInt64?
    ) -> Bool {
        // Somebody else's connection may have the name by chance.
        if isSecond { return version.isAbsent || record.application == application }
        // Disconnected and set up anew meanwhile: these tokens are of the life before.
        return life == version.life
    }

    /// What is told where they may not.
    fileprivate var leftCode: VaultError.Code {
        if isSecond { return .alreadyExists }
        return grant.asksAnew ? .disconnecting : .callbackRejected
    }
}
