// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// Files whose secrets the library reads, and what is wrong with one, by its name.
enum SecretFile {
    static func read(_ path: String) throws -> Secret {
        do throws(VaultError) {
            return try Secret(contentsOfFile: path)
        } catch {
            throw failure(error, of: path)
        }
    }

    /// What an error means of the file of this path.
    static func failure(_ error: VaultError, of path: String) -> any Error {
        guard error.code == .secretFileUnusable else { return error }
        let file = path.printable
        return switch error.detail.cause {
        case .openToOthers:
            CommandFailure(
                .refused,
                "\(file) has mode 0\(String(error.number, radix: 8)), and others could read or "
                    + "change what is secret in it: chmod 600 it")
        case .otherOwner:
            CommandFailure(
                .refused,
                "\(file) belongs to user \(error.number), not to \(geteuid()), who runs this: "
                    + "chown it")
        case .empty: CommandFailure(.badData, "\(file) is empty")
        case .tooLong:
            CommandFailure(.badData, "\(file) is longer than \(Secret.fileBytesMax) bytes")
        case .missing:
            CommandFailure(.missing, "cannot open \(file)", errno: ENOENT)
        case nil:
            CommandFailure(
                .inputOutput, "cannot open \(file)", errno: Int32(clamping: error.number))
        default: error
        }
    }
}
