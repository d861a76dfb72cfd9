// SPDX-License-Identifier: Apache-2.0

/// A connection of another system's on its way into the store, kept whole until it is durable: an
/// engine may run the edit that takes it over more than once. The writer's thread wipes it.
final class SuppliedConnection: Sendable {
    private let connection: Monitor<PortableConnection?>
    private let outcomes = Monitor<ImportOutcome>(.imported)

    let id: ConnectionID
    /// What is its own of its application.
    let own: OwnSettings?
    /// How long all of it is, in bytes.
    let byteCount: Int

    init(_ connection: consuming PortableConnection, _ own: OwnSettings?) {
        id = connection.id
        self.own = own
        byteCount = connection.byteCount + (own?.byteCount ?? 0)
        self.connection = Monitor(connection)
    }

    /// What became of it, once its commit has ended.
    var outcome: ImportOutcome { outcomes.withLock { $0 } }

    func wipe() { connection.withLock { $0 = nil } }

    /// Whether it is to be left as it is in the store: it has tokens already. What they are then
    /// is the store's to say: the refresh token that is given may long have been replaced, and to
    /// present it again would end the grant.
    func leaves(
        _ record: borrowing ConnectionRecord, replacing: Bool
    ) throws(VaultError) -> Bool {
        guard !replacing, record.hasAccessToken else {
            outcomes.withLock { $0 = .imported }
            return false
        }
        let isSame = try connection.withLock { (connection) throws(VaultError) in
            switch connection {
            case .none: throw VaultError(.invalidArgument, .vault)
            case .some(let connection):
                connection.grant == record.grant && connection.subject == record.subject
                    && Self.isSame(connection.tokens, record)
            }
        }
        outcomes.withLock { $0 = isSame ? .alreadyThere : .left }
        return true
    }

    private static func isSame(
        _ tokens: borrowing TokenSet, _ record: borrowing ConnectionRecord
    ) -> Bool {
        guard isSame(tokens.accessToken, record, ConnectionTag.accessToken) else { return false }
        return switch tokens.refreshToken {
        case .none: !record.hasRefreshToken
        case .some(let token): isSame(token, record, ConnectionTag.refreshToken)
        }
    }

    private static func isSame(
        _ token: borrowing Secret, _ record: borrowing ConnectionRecord, _ tag: UInt16
    ) -> Bool {
        guard let place = record.fields.range(tag) else { return false }
        return Sodium.isEqual(record.fields.bytes.extracting(place), token.bytes)
    }

    /// Copies it into a record, over whatever that has.
    func adopt(into record: inout ConnectionRecord, now: UnixTime) throws(VaultError) {
        try connection.withLock { (connection) throws(VaultError) in
            switch connection {
            case .none: throw VaultError(.invalidArgument, .vault)
            case .some(let connection):
                try Self.adopt(
                    connection.tokens, connection.grant, connection.subject, connection.history,
                    connection.application, own, into: &record, now)
            }
        }
    }

    private static func adopt(
        _ tokens: borrowing TokenSet, _ grant: GrantType, _ subject: String?,
        _ history: PortableConnection.History, _ application: ApplicationID?, _ own: OwnSettings?,
        into record: inout ConnectionRecord,
        _ now: UnixTime
    ) throws(VaultError) {
        let connected = history.connected ?? history.created
        let issued = history.issued ?? history.refreshed ?? connected ?? now
        // Nothing of another grant may stay, its refresh token least of all.
        try record.forgetRefreshToken()
        try record.forgetCaptured()
        try record.set(grant, subject: subject)
        try record.set(useFailure: nil)
        try record.fields.set(ConnectionTag.grantedScope, nil)
        try record.adopt(tokens, requestStart: issued)
        try record.fields.set(ConnectionTag.application, text: application?.text)
        try record.fields.set(ConnectionTag.requestedScope, text: history.requestedScope)
        if let created = history.created {
            try record.fields.set(ConnectionTag.created, time: created)
        }
        try record.fields.set(ConnectionTag.connected, time: connected ?? issued)
        try record.fields.set(ConnectionTag.refreshed, time: history.refreshed)
        try record.fields.set(ConnectionTag.used, time: history.used)
        try record.fields.set(
            ConnectionTag.refreshCount,
            integer: history.refreshCount > 0 ? history.refreshCount : nil)
        try record.fields.set(
            ConnectionTag.earlierGrants,
            integer: history.earlierGrants > 0 ? history.earlierGrants : nil)
        // What the tokens showed of an application elsewhere says nothing of the one here.
        try record.fields.set(ConnectionTag.isExchanged, nil)
        try record.fields.set(ConnectionTag.account, text: history.account)
        try record.fields.set(ConnectionTag.earlierAccount, nil)
        try record.fields.set(ConnectionTag.captured, values: history.captured)
        try record.fields.set(own, ConnectionTag.own)
        guard let lost = history.grantLost else { return }
        try record.set(ConnectionState.failed)
        try record.set(
            ConnectionRecord.Failure(
                code: VaultEvent.Kind.grantLost.code, status: history.grantLostStatus, time: lost))
    }
}

/// What became of a connection that was to be imported.
@nonexhaustive
public enum ImportOutcome: String, Sendable {
    /// It is in the vault, with all that was given.
    case imported
    /// It was there already, with the same tokens by the same grant; nothing was changed.
    case alreadyThere
    /// It was there already, with other tokens, or by another grant: refreshed, or connected
    /// again, since. Nothing was changed.
    case left
}
