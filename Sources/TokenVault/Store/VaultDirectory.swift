// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The directory of a vault: made whole or not at all, private, and owned by one process.
final class VaultDirectory: Sendable {
    static let lockName = "LOCK"
    static let databaseName = "db"
    /// LMDB's table of readers, which it maps: 64 bytes for each, and a page for its head.
    static let readersBytes = StoreLimits.readersMax * 64 + LMDB.pageBytes

    let path: String
    private let lock: Descriptor

    /// Makes a new vault: everything in a directory beside it, made durable, then renamed.
    ///
    /// - Parameter fill: writes HEADER, SLOTS and the database into the directory it is given.
    static func create(
        _ path: String, _ fill: (String) throws(VaultError) -> Void
    ) throws(VaultError) {
        try checkIsFree(path)
        // In containers that share a disk processes have the same numbers, too.
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        let temporary = "\(path).tmp-\(number)"
        guard unsafe mkdir(temporary, 0o700) == 0,
            unsafe mkdir("\(temporary)/\(databaseName)", 0o700) == 0
        else { throw Descriptor.failure(.store) }
        do throws(VaultError) {
            // Against a umask that would let nobody in, us included.
            guard unsafe chmod(temporary, 0o700) == 0 else { throw Descriptor.failure(.store) }
            _ = try Descriptor(
                "\(temporary)/\(lockName)", flags: O_RDWR | O_CREAT | O_EXCL, stage: .store)
            try fill(temporary)
            try Descriptor.syncDirectory("\(temporary)/\(databaseName)")
            try Descriptor.syncDirectory(temporary)
            guard unsafe rename(temporary, path) == 0 else {
                let number = errno
                if number == EEXIST || number == ENOTEMPTY {
                    throw VaultError(.vaultExists, .store, number: Int(number))
                }
                throw Descriptor.failure(.store, errno: number)
            }
            try Descriptor.syncDirectory(parent(of: path))
        } catch {
            removeTree(temporary)
            throw error
        }
    }

    /// - Throws: `vaultExists` where something is at `path`.
    static func checkIsFree(_ path: String) throws(VaultError) {
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else { throw VaultError(.vaultExists, .store) }
    }

    /// - Throws: `invalidArgument` where `newPath` leads into the vault at `path`.
    static func checkIsOutside(_ newPath: String, of path: String) throws(VaultError) {
        var vault = stat()
        guard unsafe stat(path, &vault) == 0 else { return }
        // The way up, as the kernel goes it: no name is compared.
        var folder = parent(of: newPath)
        var before = stat()
        var status = stat()
        while unsafe stat(folder, &status) == 0 {
            if status.st_dev == vault.st_dev, status.st_ino == vault.st_ino {
                throw VaultError(.invalidArgument, .store, .insideVault, .directory)
            }
            if status.st_dev == before.st_dev, status.st_ino == before.st_ino { return }
            (before, folder) = (status, "\(folder)/..")
        }
    }

    /// Takes a vault's directory for this process, until it is closed or the process ends.
    ///
    /// - Throws: `vaultMissing`, `vaultIncomplete`, `unsafeDirectory`, `vaultLocked`,
    ///   `storageFailed`.
    init(_ path: String) throws(VaultError) {
        self.path = path
        // A child made by fork lets go of its parent's lock here, if it has not been asked before.
        _ = ProcessNumber.current
        try Self.check(path)
        let lock = try Descriptor("\(path)/\(Self.lockName)", flags: O_RDWR, stage: .store)
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            throw VaultError(.vaultLocked, .store, number: Int(errno))
        }
        // A child made by fork would hold the lock on, whatever becomes of this process.
        ProcessNumber.leave(descriptor: lock.number)
        self.lock = lock
        try Self.makeReaders(path)
    }

    /// The same, as soon as no other process has it, if that is within `duration`.
    ///
    /// - Throws: as `init`; `cancelled`.
    static func taken(
        _ path: String, waiting duration: Duration
    ) async throws(VaultError) -> VaultDirectory {
        let end = ContinuousClock.now.advanced(by: duration)
        while true {
            do throws(VaultError) {
                return try VaultDirectory(path)
            } catch {
                guard error.code == .vaultLocked, ContinuousClock.now < end else { throw error }
            }
            do {
                try await Task.sleep(for: .milliseconds(lookMilliseconds))
            } catch {
                throw VaultError(.cancelled, .store)
            }
        }
    }

    /// How often it is looked whether another process has let go.
    private static let lookMilliseconds = 20

    deinit { ProcessNumber.keep(descriptor: lock.number) }

    /// Keeps owners out of a vault for as long as the descriptor is open, and writes nothing. Nil
    /// where nobody can own it: LOCK is gone, or is not a file.
    ///
    /// - Throws: `vaultLocked`.
    static func lockForReading(_ path: String) throws(VaultError) -> Descriptor? {
        var status = stat()
        guard unsafe lstat("\(path)/\(lockName)", &status) == 0,
            status.st_mode & S_IFMT == S_IFREG
        else { return nil }
        let lock = try Descriptor("\(path)/\(lockName)", flags: O_RDONLY, stage: .store)
        guard flock(lock.number, LOCK_SH | LOCK_NB) == 0 else {
            throw VaultError(.vaultLocked, .store, number: Int(errno))
        }
        return lock
    }

    /// Looks whether everything is there that holds keys or records. LOCK holds nothing.
    ///
    /// - Returns: the first thing that would keep an owner from opening the vault; nil where
    ///   nothing of the files' names, kinds, owners and modes would.
    /// - Throws: `vaultMissing`, `vaultIncomplete`.
    static func obstacle(_ path: String) throws(VaultError) -> VaultError? {
        do throws(VaultError) {
            try check(path)
            return nil
        } catch {
            let isNone = error.detail.subject == .directory && error.detail.cause == .wrongKind
            guard error.code != .vaultMissing, !isNone else { throw error }
            do throws(VaultError) {
                try checkIsComplete(path, parts.map(\.subject).filter { $0 != .lockFile })
            } catch let missing {
                // In what is no directory nothing is missing.
                throw missing.number == Int(ENOTDIR) ? error : missing
            }
            return error
        }
    }

    /// What a vault's directory holds, in the order in which it is looked at.
    private static let parts: [(subject: FailureSubject, kind: mode_t)] = [
        (.databaseDirectory, S_IFDIR), (.lockFile, S_IFREG), (.headerFile, S_IFREG),
        (.slotsFile, S_IFREG), (.databaseFile, S_IFREG),
    ]

    /// LMDB opens its files by name and follows links: what it will find is looked at before.
    private static func check(_ path: String) throws(VaultError) {
        try check(path, .directory, is: S_IFDIR)
        for (subject, kind) in parts {
            do throws(VaultError) {
                try check("\(path)/\(subject.name)", subject, is: kind)
            } catch {
                guard error.code == .vaultMissing else { throw error }
            }
        }
        try checkIsComplete(path, parts.map(\.subject))
    }

    /// - Throws: `vaultIncomplete` where something of `needed` is missing; `vaultMissing` where
    ///   nothing is there that only a vault has.
    private static func checkIsComplete(
        _ path: String, _ needed: [FailureSubject]
    ) throws(VaultError) {
        var status = stat()
        var missing: VaultError?
        var isAnyThere = false
        for (subject, _) in parts {
            if unsafe lstat("\(path)/\(subject.name)", &status) == 0 {
                // A directory of something else may have a `db`, too.
                isAnyThere = isAnyThere || subject != .databaseDirectory
            } else if missing == nil, needed.contains(subject) {
                let cause = unseen(subject)
                guard cause.code == .vaultMissing else { throw cause }
                missing = cause
            }
        }
        guard let missing else { return }
        guard isAnyThere else { throw missing }
        throw VaultError(
            .vaultIncomplete, .store, number: missing.number, detail: missing.detail)
    }

    /// Why nothing is seen at a path: nothing is there, or the way there is barred.
    private static func unseen(_ subject: FailureSubject) -> VaultError {
        let number = errno
        let isMissing = number == ENOENT || number == ENOTDIR
        return VaultError(
            isMissing ? .vaultMissing : .storageFailed, .store, number: Int(number),
            detail: FailureDetail(cause: isMissing ? .missing : nil, subject: subject))
    }

    /// - Throws: `vaultMissing`, `unsafeDirectory`, `storageFailed`.
    private static func check(
        _ path: String, _ subject: FailureSubject, is kind: mode_t
    ) throws(VaultError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw unseen(subject) }
        let mode = Int(status.st_mode & 0o7777)
        guard status.st_mode & S_IFMT == kind else {
            let isLink = status.st_mode & S_IFMT == S_IFLNK
            throw VaultError(
                .unsafeDirectory, .store, number: mode, isLink ? .symbolicLink : .wrongKind,
                subject)
        }
        guard status.st_uid == geteuid() else {
            throw VaultError(
                .unsafeDirectory, .store, number: Int(status.st_uid), .otherOwner, subject)
        }
        guard status.st_mode & 0o077 == 0 else {
            throw VaultError(.unsafeDirectory, .store, number: mode, .openToOthers, subject)
        }
    }

    /// Lets another process have the vault.
    func release() { flock(lock.number, LOCK_UN) }

    /// LMDB's own lock file may hold the readers of a process that was killed, and as LMDB makes it
    /// it is a hole: where the disk is full, the first read on a page of it would end the process.
    private static func makeReaders(_ directory: String) throws(VaultError) {
        let path = "\(directory)/\(databaseName)/lock.mdb"
        _ = unsafe unlink(path)
        let file = try Descriptor(path, flags: O_RDWR | O_CREAT | O_EXCL, stage: .store)
        let zeros = try Secret(zeroes: readersBytes)
        try file.write(zeros.bytes, at: 0)
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Removes a half-made vault: two known levels, nothing else.
    private static func removeTree(_ path: String) {
        for name in ["data.mdb", "lock.mdb"] {
            _ = unsafe unlink("\(path)/\(databaseName)/\(name)")
        }
        _ = unsafe rmdir("\(path)/\(databaseName)")
        for name in [lockName, Header.fileName, KeySlots.fileName] {
            _ = unsafe unlink("\(path)/\(name)")
        }
        _ = unsafe rmdir(path)
    }
}
