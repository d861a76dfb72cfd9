// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Secret {
    /// The longest file that is read as a secret, in bytes.
    public static let fileBytesMax = 16_384

    /// What is in a file that nobody but us can read or change: a regular file of ours with mode
    /// 0400 or 0600, where a symbolic link may lead, as where a secret is mounted. 1 to 16,384
    /// bytes, without the line end that editors put there: one LF or CRLF at the end is left out.
    ///
    /// - Throws: `secretFileUnusable`, whose `detail` says which rule is broken; `tooManySecrets`.
    public init(contentsOfFile path: String) throws(VaultError) {
        let file = try Descriptor(secretFile: path, .secretFileUnusable, .atoms)
        let byteCount = try file.status().st_size
        guard byteCount <= Self.fileBytesMax else {
            throw VaultError(.secretFileUnusable, .atoms, number: Self.fileBytesMax, .tooLong)
        }
        // One more, so that a file that grows is noticed.
        var secret = try Secret(zeroes: Int(byteCount) + 1)
        let count: Int
        do throws(VaultError) {
            count = try file.drain(into: &secret)
        } catch {
            throw VaultError(.secretFileUnusable, .atoms, number: error.number)
        }
        guard count <= byteCount else {
            throw VaultError(.secretFileUnusable, .atoms, .changed)
        }
        secret.shorten(to: count - Self.lineEndBytes(secret.bytes, count))
        guard secret.count > 0 else { throw VaultError(.secretFileUnusable, .atoms, .empty) }
        self = secret.compacted()
    }

    /// How many bytes the line end takes that the first `count` bytes end with.
    private static func lineEndBytes(_ span: RawSpan, _ count: Int) -> Int {
        guard count > 0, span.byte(at: count - 1) == UInt8(ascii: "\n") else { return 0 }
        return count > 1 && span.byte(at: count - 2) == UInt8(ascii: "\r") ? 2 : 1
    }
}
