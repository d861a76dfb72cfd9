// SPDX-License-Identifier: Apache-2.0

internal import BasicContainers
import Glibc

/// A damaged vault, read without a look at what else is wrong with it: each record by itself.
///
/// Nothing in its directory is written, LMDB's table of readers included. A record that opens is
/// what was written once; whether it is the newest version only the store MAC can tell.
final class Salvage {
    /// With the root key that a new vault is to be made with.
    let header: Keyring.Salvaged
    private let slots: KeySlots
    private let pages: DatabasePages
    private let lock: Descriptor?
    /// What would keep the vault from being opened though every record opens; nil where nothing.
    private(set) var obstacle: VaultError?
    private(set) var findings = SalvageFindings()

    private var keyring: Keyring { header.keyring }

    /// Opens the files of the vault in `directory`, and looks at every record once.
    ///
    /// - Throws: `vaultMissing`, `vaultIncomplete`, `vaultLocked`; as `Keyring.salvage`;
    ///   `databaseDamaged` where nothing of the database can be reached, `databaseUnsupported`,
    ///   `storageFailed`.
    init(_ directory: String, rootKey: consuming RootKeySource) throws(VaultError) {
        let obstacle = try VaultDirectory.obstacle(directory)
        do throws(VaultError) {
            lock = try VaultDirectory.lockForReading(directory)
            header = try Keyring.salvage(directory, rootKey: rootKey)
            slots = try KeySlots(directory, keyring: header.keyring, salvages: true)
            pages = try DatabasePages(directory)
        } catch {
            // What keeps an owner out says which file it is, and what is wrong with it.
            let isOfFile = error.code == .storageFailed || error.code == .unsafeDirectory
            throw isOfFile ? obstacle ?? error : error
        }
        findings.damagedPages = pages.damagedCount
        try readMeta()
        try readRecords()
        try readTheRest()
        let isSound = header.isWhole && !findings.isDamaged
        self.obstacle = isSound && obstacle == nil ? try refusal(directory) : obstacle
    }

    /// What an open and the verification after it refuse of a vault in which every record opens:
    /// the same checks, of a store that only reads.
    private func refusal(_ directory: String) throws(VaultError) -> VaultError? {
        do throws(VaultError) {
            let store = try Store(
                directory, keyring: keyring, mapBytes: Self.mapBytesMin, readsOnly: true)
            var writer = Writer(store: store)
            _ = try writer.load()
            let check = try StoreCheck(store) { _ in }
            guard check.isIntact else { throw VaultError(.integrityFailed, .store) }
            _ = try check.orphanSlots(store)
            return nil
        } catch {
            let isOfFile = error.code == .integrityFailed || error.code == .databaseDamaged
            guard isOfFile || error.isOfRecord else { throw error }
            return error
        }
    }

    /// A file that is longer is mapped as far as its pages reach.
    private static let mapBytesMin = 1 << 20

    /// What is missing where no record is, such as a page of the log, keeps the vault from being
    /// opened, too.
    private func readTheRest() throws(VaultError) {
        var altered = 0
        let damaged = try pages.scan(.events) { (lmdbKey, value) throws(VaultError) in
            do throws(VaultError) {
                let plaintext = try SealedRecord.open(
                    value, lmdbKey: lmdbKey, vaultID: keyring.vaultID, key: keyring.eventSealKey)
                let isEntry = lmdbKey.byteCount == 8 && EventEntry(plaintext.bytes) != nil
                if !isEntry { altered += 1 }
            } catch {
                guard error.isOfRecord else { throw error }
                altered += 1
            }
        }
        findings.damagedEvents = altered
        // What they hold is for the verification.
        findings.damagedPages += try damaged + pages.scan(.flows) { _, _ in }
        guard findings.damagedPages == 0 else { return }
        do throws(VaultError) {
            try pages.check()
        } catch {
            guard error.code == .databaseDamaged else { throw error }
            findings.damagedPages = 1
        }
    }

    private func readMeta() throws(VaultError) {
        var found = findings
        let damaged = try pages.scan(.meta) { (lmdbKey, value) throws(VaultError) in
            do throws(VaultError) {
                try readMeta(lmdbKey, value, &found)
            } catch {
                guard error.isOfRecord else { throw error }
                if !lmdbKey.equalsText(Root.lmdbKey) { found.damagedMeta += 1 }
            }
        }
        found.damagedPages += damaged
        findings = found
    }

    private func readMeta(
        _ lmdbKey: RawSpan, _ value: RawSpan, _ found: inout SalvageFindings
    ) throws(VaultError) {
        let isRoot = lmdbKey.equalsText(Root.lmdbKey)
        let plaintext = try SealedRecord.open(
            value, lmdbKey: lmdbKey, vaultID: keyring.vaultID,
            key: isRoot ? keyring.rootSealKey.copy() : keyring.batchSealKey.copy())
        if isRoot {
            found.root = try Root(plaintext.bytes)
        } else if let batch = Meta.batch(lmdbKey) {
            try Meta.read(plaintext.bytes) { found.attempts.append((batch, $0, $1)) }
        } else if let key = Meta.fenced(lmdbKey) {
            found.fences[key] = try Fence(plaintext.bytes)
        } else {
            found.damagedMeta += 1
        }
    }

    private func readRecords() throws(VaultError) {
        var found = findings
        let damaged = try pages.scan(.records) { (lmdbKey, value) throws(VaultError) in
            found.entryCount += 1
            guard lmdbKey.byteCount == RecordKey.byteCount,
                let header = try? SealedRecord.header(of: value), header.kind.hasSlot
            else {
                found.faults[.unknownForm, default: 0] += 1
                return
            }
            let key = RecordKey(lmdbKey)
            found.mac.toggle(
                lmdbKey, generation: header.generation, tag: SealedRecord.tag(of: value),
                macKey: keyring.storeMACKey)
            if let fault = try fault(header, key, value) {
                let isErased = found.fences[key]?.names(header) ?? false
                if isErased, fault == .keySlotEmpty {
                    found.erasedCount += 1
                } else {
                    found.faults[fault, default: 0] += 1
                }
                return
            }
            // Of two versions, of which LMDB would reach one, the newer.
            if let before = found.opened[key] {
                found.opened[key] = max(before, header.generation)
                return
            }
            found.opened[key] = header.generation
            switch header.kind {
            case .connection: found.connectionCount += 1
            case .webhook: found.webhookCount += 1
            case .apiKey: found.apiKeyCount += 1
            default: found.applicationCount += 1
            }
        }
        found.damagedPages += damaged
        findings = found
    }

    /// Why a record does not open; nil where it does.
    private func fault(
        _ header: SealedRecord.Header, _ key: RecordKey, _ value: RawSpan
    ) throws(VaultError) -> SalvageFindings.Fault? {
        let dataKey: Secret
        do throws(VaultError) {
            dataKey = try slots.dataKey(header.slot, for: key)
        } catch {
            guard error.isOfRecord else { throw error }
            return try slots.content(header.slot).isNothing ? .keySlotEmpty : .keySlotDamaged
        }
        do throws(VaultError) {
            return try fields(value, key, dataKey).text(ConnectionTag.id) == nil
                ? .unknownForm : nil
        } catch {
            guard error.isOfRecord else { throw error }
            return .recordAltered
        }
    }

    private func fields(
        _ value: RawSpan, _ key: RecordKey, _ dataKey: borrowing Secret
    ) throws(VaultError) -> Fields {
        try Fields(
            SealedRecord.open(value, lmdbKey: key.bytes, vaultID: keyring.vaultID, key: dataKey))
    }

    /// Copies every record that opened into a new vault, sealed anew. One that has no room for what
    /// is added to it stays behind, and takes no other with it.
    func copy(to writer: SalvageWriter) throws(VaultError) {
        var waiting = findings.opened
        var notCopied: [String] = []
        let attempted = Set(findings.attempts.map(\.attempt.key))
        var renamed: [RecordKey: RecordKey] = [:]
        _ = try pages.scan(.records) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount,
                let header = try? SealedRecord.header(of: value)
            else { return }
            let key = RecordKey(lmdbKey)
            // The version that opened, once.
            guard waiting[key] == header.generation,
                try fault(header, key, value) == nil
            else { return }
            waiting[key] = nil
            let dataKey = try slots.dataKey(header.slot, for: key)
            let fields = try fields(value, key, dataKey)
            guard let id = fields.text(ConnectionTag.id) else { return }
            guard let new = try writer.put(header, id, fields) else {
                notCopied.append(id)
                return
            }
            if attempted.contains(key) { renamed[key] = new }
        }
        findings.notCopied = notCopied.sorted()
        try writer.put(findings.attempts, renamed)
    }
}

extension VaultError {
    /// Whether it tells of the record at hand alone.
    fileprivate var isOfRecord: Bool {
        code == .authenticationFailed || code == .recordDamaged
    }
}
