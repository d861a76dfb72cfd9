// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A look at what an option names, so that the error names it too; whoever opens it looks again.
enum RegularFile {
    /// - Throws: `missing` where there is nothing at `path`, `badData` where there is a pipe, a
    ///   device, a socket or a directory.
    /// - Parameter option: by which a pipe's descriptor can be given instead.
    static func check(_ path: String, pipe option: String? = nil) throws(CommandFailure) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { return }
            throw CommandFailure(.missing, "cannot open \(path)", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let hint = Self.hint(status, option)
            throw CommandFailure(.badData, "\(path) is no regular file\(hint)")
        }
    }

    /// A look at whether it can be read.
    ///
    /// - Throws: `refused` where it cannot, `badData` where it is larger than `bytesMax`.
    static func checkReadable(
        _ path: String, bytesMax: Int64 = .max
    ) throws(CommandFailure) {
        guard unsafe access(path, R_OK) == 0 else {
            throw CommandFailure(.refused, "cannot read \(path)", errno: errno)
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0, Int64(status.st_size) > bytesMax else { return }
        throw CommandFailure(
            .badData, "\(path) has \(status.st_size) bytes, more than the \(bytesMax) it may have")
    }

    /// Where a pipe was meant, how it is given.
    static func hint(_ status: stat, _ option: String?) -> String {
        guard let option, status.st_mode & S_IFMT == S_IFIFO else { return "" }
        return ": give a pipe by its descriptor, such as \(option) 3 3< <(COMMAND)"
    }

    /// The same of a key file, and what else would keep the vault from using it.
    ///
    /// - Throws: as `check`; `refused` with the rule that it breaks.
    static func checkKey(_ path: String) throws(CommandFailure) {
        try check(path, pipe: "--key-fd")
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        guard status.st_uid == geteuid() else {
            throw CommandFailure(
                .refused,
                "the key file \(path) belongs to user \(status.st_uid), not to \(geteuid()), who "
                    + "runs this: chown it")
        }
        guard status.st_mode & 0o177 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw CommandFailure(
                .refused,
                "the key file \(path) has mode 0\(mode), and others could read or change it: "
                    + "chmod 600 it")
        }
        guard status.st_size == 32 else {
            throw CommandFailure(
                .refused,
                "the key file \(path) has \(status.st_size) bytes: a key is 32 random bytes")
        }
    }
}
