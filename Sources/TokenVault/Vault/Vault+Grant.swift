// SPDX-License-Identifier: Apache-2.0

// What a code was exchanged for, on its way into the store.
extension Vault {
    /// Which connection the tokens of a completed flow are of.
    enum Destination: Sendable {
        /// The flow's own, in the life in which the flow was started.
        case own(life: UInt64?)
        /// The second one, which is made where it is not there.
        case second(ConnectionID)
    }

    /// Puts the tokens of a completed flow over whatever the connection had.
    ///
    /// - Parameter taken: a flow that is open until they are stored; `notFound` where it is gone.
    func store(
        _ granted: GrantedTokens, _ own: OwnSettings?, _ captured: [String: String],
        _ flow: borrowing PendingAuthorization, _ destination: Destination, _ room: ExchangeRoom,
        taking taken: RecordKey? = nil
    ) async throws(VaultError) {
        for attempt in 1...Self.storeAttemptsMax {
            do throws(VaultError) {
                return try await storeOnce(
                    granted, own, captured, flow, destination, room, taken)
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
        _ flow: borrowing PendingAuthorization, _ destination: Destination, _ room: ExchangeRoom,
        _ taken: RecordKey?
    ) async throws(VaultError) {
        let (application, scope) = (flow.application, flow.requestedScope)
        let id: ConnectionID
        switch destination {
        case .own: id = flow.connection
        case .second(let second): id = second
        }
        let key = store.key(.connection, id.text)
        let queue = refresher.queue(application, own)
        let now = time.now()
        let replaced = ReplacedGrant(revokedBy: revoker(of: key))
        let addedBytes =
            granted.reply.addedBytesMax + (scope?.utf8.count ?? 0) + application.text.utf8.count
            + 16 * (Fields.headBytes + 8) + Self.byteCount(own, captured)
        let revision = Revision(
            addedBytesMax: addedBytes, new: Self.maker(destination, now)
        ) { [refresher] (record, version) throws(VaultError) in
            guard destination.takes(record, version, of: application) else { return .leave }
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
            try record.fields.set(ConnectionTag.grantedScope, nil)
            try record.fields.set(ConnectionTag.used, nil)
            try record.fields.set(ConnectionTag.refreshed, nil)
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
            throw VaultError(destination.isSecond ? .alreadyExists : .callbackRejected, .vault)
        // Disconnected while its flow was open: the flow does not bring it back.
        case .disconnecting: throw VaultError(.disconnecting, .vault)
        case .missing, .none: throw VaultError(.notFound, .vault)
        }
    }

    /// Makes the second connection's record; the flow's own is there since it was started.
    private static func maker(
        _ destination: Destination, _ now: UnixTime
    ) -> (@Sendable () throws(VaultError) -> ConnectionRecord)? {
        guard case .second(let id) = destination else { return nil }
        return { () throws(VaultError) in try ConnectionRecord(id: id, now: now) }
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

extension Vault.Destination {
    fileprivate var isSecond: Bool { if case .second = self { true } else { false } }

    /// Whether the tokens may replace what a record holds.
    fileprivate func takes(
        _ record: borrowing ConnectionRecord, _ version: RecordVersion,
        of application: ApplicationID
    ) -> Bool {
        switch self {
        // Disconnected and set up anew meanwhile: these tokens are of the life before.
        case .own(let life): life == version.life
        // Somebody else's connection may have the name by chance.
        case .second: version.isAbsent || record.application == application
        }
    }
}
