// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An open file of the vault's directory; closed where its scope ends.
///
/// Whole reads and writes or an error, never a part; every error carries the errno.
struct Descriptor: ~Copyable {
    let number: Int32

    /// Takes over an open descriptor.
    init(owning number: Int32) { self.number = number }

    /// Opens a regular file, or the directory that the flags ask for; through a symbolic link at
    /// its end only where that is said.
    ///
    /// - Throws: `unsafeDirectory` where there is something else. A pipe that nobody writes to is
    ///   not waited for, and a terminal does not become ours.
    init(
        _ path: String, flags: Int32, mode: mode_t = 0o600, followsLink: Bool = false,
        stage: VaultError.Stage
    ) throws(VaultError) {
        number = unsafe open(
            path,
            flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLink ? 0 : O_NOFOLLOW), mode)
        guard number >= 0 else { throw Self.failure(stage) }
        guard flags & O_DIRECTORY == 0 else { return }
        try Self.requireRegularFile(number, stage)
    }

    private static func requireRegularFile(
        _ number: Int32, _ stage: VaultError.Stage
    ) throws(VaultError) {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw failure(stage) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw VaultError(
                .unsafeDirectory, stage, number: Int(status.st_mode & 0o7777), .wrongKind)
        }
    }

    deinit { close(number) }

    /// The errno as an error: `storeFull` where there is no room, else `storageFailed`.
    static func failure(_ stage: VaultError.Stage, errno number: Int32 = errno) -> VaultError {
        let isFull = number == ENOSPC || number == EDQUOT || number == EFBIG
        return VaultError(isFull ? .storeFull : .storageFailed, stage, number: Int(number))
    }

    borrowing func status() throws(VaultError) -> stat {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw Self.failure(.seal) }
        return status
    }

    /// Fills `span` from `offset`. False where the file ends before.
    borrowing func read(into span: inout MutableRawSpan, at offset: Int) throws(VaultError) -> Bool
    {
        var done = 0
        let count = span.byteCount
        var failed: Int32 = 0
        unsafe span.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            while done < count {
                let got = unsafe pread(number, base + done, count - done, off_t(offset + done))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = errno }
                if got <= 0 { return }
                done += got
            }
        }
        guard failed == 0 else { throw Self.failure(.seal, errno: failed) }
        return done == count
    }

    borrowing func write(_ span: RawSpan, at offset: Int) throws(VaultError) {
        var failed: Int32 = 0
        unsafe span.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            var done = 0
            while done < buffer.count {
                let put = unsafe pwrite(
                    number, base + done, buffer.count - done, off_t(offset + done))
                if put < 0 && errno == EINTR { continue }
                if put <= 0 {
                    failed = put < 0 ? errno : ENOSPC
                    return
                }
                done += put
            }
        }
        guard failed == 0 else { throw Self.failure(.seal, errno: failed) }
    }

    /// Makes what was written durable.
    borrowing func sync() throws(VaultError) {
        guard fdatasync(number) == 0 else { throw Self.failure(.seal) }
    }

    /// Makes a directory's entries durable.
    static func syncDirectory(_ path: String) throws(VaultError) {
        let directory = try Descriptor(path, flags: O_RDONLY | O_DIRECTORY, stage: .seal)
        guard fsync(directory.number) == 0 else { throw failure(.seal) }
    }
}
