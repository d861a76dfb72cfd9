// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The folder in which something is to be made.
enum ParentFolder {
    static func of(_ path: String) -> String {
        let slash = path.lastIndex(of: "/")
        return slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// - Throws: `missing` where it is not there.
    static func check(of path: String, _ option: String) throws(CommandFailure) {
        let folder = of(path)
        var status = stat()
        guard unsafe stat(folder, &status) != 0 else {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw CommandFailure(.missing, "\(folder), where \(option) leads, is no directory")
            }
            return
        }
        throw CommandFailure(
            .missing, "there is no folder \(folder), where \(option) leads: make it first",
            errno: errno)
    }
}
