// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
import Glibc

/// LMDB, under its own names and the only place that imports it.
///
/// Reads run on the caller's thread through a pool of reset and renewed transactions; a value
/// cannot outlive its transaction, at compile time. An owner's only flag is `MDB_NOTLS`: WRITEMAP,
/// NOSYNC and their like give up durability, or the process on a full disk.
@safe
final class LMDB: @unchecked Sendable {
    let mapBytes: Int
    private let environment: OpaquePointer
    private var handles = InlineArray<4, MDB_dbi>(repeating: 0)
    private let idle = unsafe Monitor<[OpaquePointer]>([])

    /// Opens the environment in `path`, a directory, and its databases; makes them where `creates`.
    ///
    /// - Parameter mapBytes: the most bytes the file can have: growing it under readers is unsafe.
    /// - Parameter readsOnly: writes nothing, the table of readers included: nobody may write then.
    init(_ path: String, mapBytes: Int, creates: Bool, readsOnly: Bool = false) throws(VaultError) {
        var opened: OpaquePointer?
        try Self.check(unsafe mdb_env_create(&opened))
        guard let environment = unsafe opened else { throw VaultError(.outOfMemory, .store) }
        unsafe self.environment = environment
        self.mapBytes = mapBytes
        // Whole from here on: where the rest throws, `deinit` closes the environment.
        unsafe try Self.check(mdb_env_set_maxdbs(environment, 8))
        unsafe try Self.check(mdb_env_set_maxreaders(environment, UInt32(StoreLimits.readersMax)))
        unsafe try Self.check(mdb_env_set_mapsize(environment, mapBytes))
        if !creates { try DatabasePages.check(path, isLater: MDB_VERSION_MAJOR > 0) }
        let flags = UInt32(MDB_NOTLS | (readsOnly ? MDB_RDONLY | MDB_NOLOCK : 0))
        unsafe try Self.check(mdb_env_open(environment, path, flags, 0o600))
        let transaction = unsafe try begin(readsOnly ? UInt32(MDB_RDONLY) : 0)
        for database in Database.allCases {
            let flags = creates ? UInt32(MDB_CREATE) : 0
            let result = unsafe mdb_dbi_open(
                transaction, "\(database)", flags, &handles[database.rawValue])
            // Its robust mutex would be unmapped while this thread holds it.
            var order: UInt32 = 0
            if result == MDB_SUCCESS {
                unsafe mdb_dbi_flags(transaction, handles[database.rawValue], &order)
            }
            // One whose keys are compared in another way was not made by us.
            let isOurs = order == 0
            if result != MDB_SUCCESS || !isOurs { unsafe mdb_txn_abort(transaction) }
            try Self.check(isOurs ? result : MDB_INCOMPATIBLE)
        }
        unsafe try Self.check(mdb_txn_commit(transaction))
    }

    deinit {
        while let transaction = unsafe idle.withLock({ unsafe $0.popLast() }) {
            unsafe mdb_txn_abort(transaction)
        }
        unsafe mdb_env_close(environment)
    }

    /// Up to the file's last page.
    var usedBytes: Int { unsafe tv_mdb_used_bytes(environment, Self.pageBytes) }

    /// Bytes of pages that the next write transaction can use again: none that a reader sees.
    func freedBytes() throws(VaultError) -> Int {
        let transaction = try beginRead()
        return unsafe tv_mdb_freed_bytes(environment, transaction.handle, Self.pageBytes)
    }

    /// The data file's descriptor, to give it blocks.
    var file: Int32 { unsafe tv_mdb_file(environment) }

    func beginRead() throws(VaultError) -> ReadTransaction {
        if let pooled = unsafe idle.withLock({ unsafe $0.popLast() }) {
            let result = unsafe mdb_txn_renew(pooled)
            if result != MDB_SUCCESS { unsafe mdb_txn_abort(pooled) }
            try Self.check(result)
            return unsafe ReadTransaction(pooled, self)
        }
        return unsafe ReadTransaction(try begin(UInt32(MDB_RDONLY)), self)
    }

    func beginWrite() throws(VaultError) -> WriteTransaction {
        unsafe WriteTransaction(try begin(0), self)
    }

    private func begin(_ flags: UInt32) throws(VaultError) -> OpaquePointer {
        var transaction: OpaquePointer?
        try Self.check(unsafe mdb_txn_begin(environment, nil, flags, &transaction))
        guard let transaction = unsafe transaction else { throw VaultError(.outOfMemory, .store) }
        return unsafe transaction
    }

    /// A snapshot. Keep it short: pages that it sees cannot be reused meanwhile.
    @safe
    struct ReadTransaction: ~Copyable {
        fileprivate let handle: OpaquePointer
        private let owner: LMDB

        fileprivate init(_ handle: OpaquePointer, _ owner: LMDB) {
            unsafe self.handle = handle
            self.owner = owner
        }

        deinit {
            unsafe mdb_txn_reset(handle)
            unsafe owner.idle.withLock { unsafe $0.append(handle) }
        }

        /// The value, for as long as the transaction lives; nil where there is none.
        @_lifetime(borrow self)
        func get(_ database: Database, _ key: RawSpan) throws(VaultError) -> RawSpan? {
            guard let value = try unsafe owner.get(handle, database, key) else { return nil }
            let span = unsafe RawSpan(_unsafeStart: value.mv_data, byteCount: value.mv_size)
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        func count(_ database: Database) throws(VaultError) -> Int {
            unsafe try owner.count(handle, database)
        }

        /// Every entry in key order, from the first key that is not below `start`, until `body`
        /// says false.
        ///
        /// - Throws: `integrityFailed` where keys are out of order: a search may miss them.
        func scan(
            _ database: Database, from start: RawSpan = RawSpan(), _ body: Visitor
        ) throws(VaultError) {
            unsafe try owner.scan(handle, database, from: start, body)
        }
    }

    /// The one write transaction; aborted unless it is committed.
    @safe
    struct WriteTransaction: ~Copyable {
        private var handle: OpaquePointer?
        private let owner: LMDB

        fileprivate init(_ handle: OpaquePointer, _ owner: LMDB) {
            unsafe self.handle = handle
            self.owner = owner
        }

        deinit {
            if let handle = unsafe handle { unsafe mdb_txn_abort(handle) }
        }

        consuming func commit() throws(VaultError) {
            let ended = unsafe handle
            unsafe handle = nil
            try unsafe LMDB.check(mdb_txn_commit(ended))
        }

        /// The value until the next write of this transaction.
        @_lifetime(borrow self)
        func get(_ database: Database, _ key: RawSpan) throws(VaultError) -> RawSpan? {
            guard let value = try unsafe owner.get(handle, database, key) else { return nil }
            let span = unsafe RawSpan(_unsafeStart: value.mv_data, byteCount: value.mv_size)
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        func count(_ database: Database) throws(VaultError) -> Int {
            unsafe try owner.count(handle, database)
        }

        /// How long the value is; 0 where there is none.
        func byteCount(_ database: Database, _ key: RawSpan) throws(VaultError) -> Int {
            try unsafe owner.get(handle, database, key)?.mv_size ?? 0
        }

        func put(_ database: Database, _ key: RawSpan, _ value: RawSpan) throws(VaultError) {
            let result = unsafe key.withUnsafeBytes { keyBytes in
                unsafe value.withUnsafeBytes { valueBytes in
                    var entryKey = unsafe LMDB.value(keyBytes)
                    var entry = unsafe LMDB.value(valueBytes)
                    return unsafe mdb_put(
                        handle, owner.handles[database.rawValue], &entryKey, &entry, 0)
                }
            }
            try LMDB.check(result)
        }

        /// False where there was no such entry.
        @discardableResult
        func delete(_ database: Database, _ key: RawSpan) throws(VaultError) -> Bool {
            let result = unsafe key.withUnsafeBytes { keyBytes in
                var entryKey = unsafe LMDB.value(keyBytes)
                return unsafe mdb_del(handle, owner.handles[database.rawValue], &entryKey, nil)
            }
            if result == MDB_NOTFOUND { return false }
            try LMDB.check(result)
            return true
        }
    }

    private static func value(_ buffer: UnsafeRawBufferPointer) -> MDB_val {
        unsafe MDB_val(
            mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
    }

    private func get(
        _ transaction: OpaquePointer?, _ database: Database, _ key: RawSpan
    ) throws(VaultError) -> MDB_val? {
        var found = unsafe MDB_val()
        let result = unsafe key.withUnsafeBytes { keyBytes in
            var entryKey = unsafe Self.value(keyBytes)
            return unsafe mdb_get(transaction, handles[database.rawValue], &entryKey, &found)
        }
        if result == MDB_NOTFOUND { return nil }
        try Self.check(result)
        return unsafe found
    }

    private func count(
        _ transaction: OpaquePointer?, _ database: Database
    ) throws(VaultError) -> Int {
        var statistics = MDB_stat()
        try Self.check(unsafe mdb_stat(transaction, handles[database.rawValue], &statistics))
        return statistics.ms_entries
    }

    private func scan(
        _ transaction: OpaquePointer?, _ database: Database, from start: RawSpan, _ body: Visitor
    ) throws(VaultError) {
        var cursor: OpaquePointer?
        let handle = handles[database.rawValue]
        try Self.check(unsafe mdb_cursor_open(transaction, handle, &cursor))
        defer { unsafe mdb_cursor_close(cursor) }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        var result = unsafe start.withUnsafeBytes { bytes in
            unsafe key = Self.value(bytes)
            if start.isEmpty { return unsafe mdb_cursor_get(cursor, &key, &value, MDB_FIRST) }
            // A branch may lead too far: nothing that comes before may belong here.
            var (before, other, first) = unsafe (MDB_val(), MDB_val(), Self.value(bytes))
            let found = unsafe mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
            let isLast = found == MDB_NOTFOUND
            guard isLast || found == MDB_SUCCESS else { return found }
            let side = unsafe mdb_cursor_get(cursor, &before, &other, isLast ? MDB_LAST : MDB_PREV)
            if side == MDB_SUCCESS, unsafe mdb_cmp(transaction, handle, &before, &first) >= 0 {
                return MDB_CORRUPTED
            }
            let back = side == MDB_SUCCESS ? MDB_NEXT : MDB_FIRST
            return isLast ? found : unsafe mdb_cursor_get(cursor, &key, &value, back)
        }
        var last = unsafe MDB_val()
        while result == MDB_SUCCESS {
            guard unsafe last.mv_data == nil || mdb_cmp(transaction, handle, &last, &key) < 0
            else { return try Self.check(MDB_CORRUPTED) }
            // A search goes by the branches: whether they lead to a leaf shows at its edges.
            if unsafe Self.page(last) != Self.page(key) {
                unsafe try Self.find(last, transaction, handle)
                unsafe try Self.find(key, transaction, handle)
            }
            unsafe last = key
            let goesOn = try unsafe body(
                RawSpan(_unsafeStart: key.mv_data, byteCount: key.mv_size),
                RawSpan(_unsafeStart: value.mv_data, byteCount: value.mv_size))
            guard goesOn else { return }
            result = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        if result != MDB_NOTFOUND { try Self.check(result) }
        unsafe try Self.find(last, transaction, handle)
    }

    private static func page(_ key: MDB_val) -> UInt {
        unsafe UInt(bitPattern: key.mv_data) / UInt(pageBytes)
    }

    /// Looks a key up that is there, if it is any.
    private static func find(
        _ key: MDB_val, _ transaction: OpaquePointer?, _ handle: MDB_dbi
    ) throws(VaultError) {
        guard unsafe key.mv_data != nil else { return }
        var (key, value) = unsafe (key, MDB_val())
        try check(unsafe mdb_get(transaction, handle, &key, &value))
    }

    fileprivate static func check(_ result: Int32) throws(VaultError) {
        switch result {
        case MDB_SUCCESS: return
        case MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT, EFBIG:
            throw VaultError(.storeFull, .store, number: Int(result))
        // Not found: one of the four databases; a missing entry is no error. Bad transaction: what
        // spoiled it was a page that `mdb_stat` could not find, and did not tell of.
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_NOTFOUND,
            MDB_INCOMPATIBLE, MDB_BAD_VALSIZE, MDB_PAGE_FULL, MDB_CURSOR_FULL, MDB_PANIC,
            MDB_BAD_TXN:
            throw VaultError(.integrityFailed, .store, number: Int(result))
        case ENOMEM: throw VaultError(.outOfMemory, .store, number: Int(result))
        case MDB_READERS_FULL:
            throw VaultError(.limitExceeded, .store, number: StoreLimits.readersMax)
        default: throw VaultError(.storageFailed, .store, number: Int(result))
        }
    }
}
