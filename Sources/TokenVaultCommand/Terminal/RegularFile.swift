// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A look at what an option names, so that the error names it too; whoever opens it looks again.
enum RegularFile {
    /// - Throws: `missing` where there is nothing at `path`, `badData` where there is a pipe, a
    ///   device, a socket or a directory.
    static func check(_ path: String) throws(CommandFailure) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { return }
            throw CommandFailure(.missing, "cannot open \(path)", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.badData, "\(path) is no regular file")
        }
    }
}
