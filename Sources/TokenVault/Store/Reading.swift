// SPDX-License-Identifier: Apache-2.0

/// The seam to what is stored: reads by blinded key, on the caller's thread.
///
/// `Store` reads from LMDB; a simulator puts memory of its own here. Together with `Committing` it
/// is all that the verbs know of the disk.
protocol Reading: AnyObject, Sendable {
    /// The blinded key of a connection or an application.
    func key(_ kind: SealedRecord.Kind, _ name: String) -> RecordKey

    /// What earlier processes left behind, as it was found at open; asked for once.
    func inheritance() -> Inheritance

    /// Opens a record; nil where there is none.
    ///
    /// - Throws: `authenticationFailed` where it does not open though it should.
    func open(_ key: RecordKey) throws(VaultError) -> Opened?

    /// The version of a record, which is not opened; nil where there is none.
    func version(_ key: RecordKey) throws(VaultError) -> RecordVersion?

    /// The kind of a record, which is not opened; nil where there is none. To be believed where the
    /// store is verified, or the record opens.
    func kind(of key: RecordKey) throws(VaultError) -> SealedRecord.Kind?

    /// The last generation that was given out.
    func lastGeneration() throws(VaultError) -> UInt64

    /// Which record a handle stands for; nil where none. Not authenticated: whoever acts on it
    /// opens the record.
    func key(of handle: Handle) -> RecordKey?

    /// Every record of one kind in one snapshot, until `body` says false. A record that is being
    /// erased at this moment is left out. What `body` throws is thrown on.
    func scan(
        _ kind: SealedRecord.Kind,
        _ body: (borrowing Opened) throws(VaultError) -> Bool
    ) throws(VaultError)

    /// The keys of records of one kind, in the order of their bytes, which are not opened; so many
    /// at most.
    ///
    /// - Parameter last: the key to go on behind; nil from the first one on.
    func keys(
        _ kind: SealedRecord.Kind, after last: RecordKey?, atMost limit: Int
    ) throws(VaultError) -> [RecordKey]

    /// Opens every record of one snapshot, and compares count and store MAC with ROOT.
    ///
    /// - Parameter atOpen: whether what no live record needs is done away with then, such as key
    ///   slots that none names; before anything is written.
    /// - Throws: `integrityFailed`, `authenticationFailed` and kin; nothing was done away with.
    func verify(
        atOpen: Bool, _ visit: (borrowing Opened) throws(VaultError) -> Void
    ) throws(VaultError) -> Verified

    /// How many records there are, as the database counts them; for a progress bar.
    func recordCount() throws(VaultError) -> Int

    /// The LMDB key of a pending authorization, by its state.
    func flowKey(state: RawSpan) -> RecordKey

    /// Opens a pending authorization; nil where there is none, or its connection is gone.
    func openFlow(_ key: RecordKey) throws(VaultError) -> Fields?

    /// Entries of the log with their numbers, the oldest first, so many at the most, in a snapshot
    /// of their own. A number stays an entry's, also when older ones have gone.
    ///
    /// - Parameter first: the number to begin with.
    /// - Returns: the number to go on with; nil at the end.
    func scanEvents(
        from first: UInt64, atMost limit: Int, _ body: (UInt64, EventEntry) -> Void
    ) throws(VaultError) -> UInt64?

    /// The number of the newest entry of the log; 0 where there never was one.
    func lastEvent() throws(VaultError) -> UInt64

    /// From now on every read fails with `closed`; `key`, `flowKey` and `inheritance` go on.
    func close()
}

extension Reading {
    /// Opens an application.
    ///
    /// - Throws: `applicationNotFound`.
    func application(_ id: ApplicationID) throws(VaultError) -> Application {
        try ApplicationRecord.decode(applicationFields(id))
    }

    /// The same as it is for one connection.
    func application(
        _ id: ApplicationID, for own: OwnSettings?
    ) throws(VaultError) -> Application {
        try application(id).filled(for: own)
    }

    /// The same, and nil where its provider revokes nothing: then no more of it is read.
    func revokingApplication(
        _ id: ApplicationID, for own: OwnSettings?
    ) throws(VaultError) -> Application? {
        let fields = try applicationFields(id)
        guard fields.has(ProviderSetting.revocationEndpoint.tag) else { return nil }
        return try ApplicationRecord.decode(fields).filled(for: own)
    }

    private func applicationFields(_ id: ApplicationID) throws(VaultError) -> Fields {
        guard let opened = try open(key(.application, id.text)) else {
            throw VaultError(.applicationNotFound, .store)
        }
        return opened.takeFields()
    }
}
