// SPDX-License-Identifier: Apache-2.0

import Glibc

// Secrets that somebody else has put into a file.
extension Descriptor {
    /// Opens a file that nobody but us can read or change: a regular one of ours, with mode 0400 or
    /// 0600. A symbolic link may lead there.
    ///
    /// - Throws: `code`, with the errno, the owner or the mode, and what is wrong.
    init(
        secretFile path: String, _ code: VaultError.Code, _ stage: VaultError.Stage
    ) throws(VaultError) {
        let file: Descriptor
        do throws(VaultError) {
            file = try Descriptor(path, flags: O_RDONLY, followsLink: true, stage: stage)
        } catch {
            let isMissing = error.number == Int(ENOENT) && error.detail.cause == nil
            throw VaultError(
                code, stage, number: error.number,
                detail: FailureDetail(cause: isMissing ? .missing : error.detail.cause))
        }
        let status = try file.status()
        guard status.st_uid == geteuid() else {
            throw VaultError(code, stage, number: Int(status.st_uid), .otherOwner)
        }
        guard status.st_mode & 0o177 == 0 else {
            throw VaultError(code, stage, number: Int(status.st_mode & 0o7777), .openToOthers)
        }
        self = file
    }

    /// Reads up to the end, or as much as `secret` takes, and says how much.
    ///
    /// - Throws: `storageFailed` where it cannot be read.
    borrowing func drain(into secret: inout Secret) throws(VaultError) -> Int {
        var span = secret.mutableBytes
        return try drain(into: &span)
    }

    /// The same of a part of one.
    borrowing func drain(into span: inout MutableRawSpan) throws(VaultError) -> Int {
        var done = 0
        var failed: Int32 = 0
        unsafe span.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            while done < buffer.count {
                let got = unsafe Glibc.read(number, base + done, buffer.count - done)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = errno }
                if got <= 0 { return }
                done += got
            }
        }
        guard failed == 0 else { throw Self.failure(.atoms, errno: failed) }
        return done
    }
}
