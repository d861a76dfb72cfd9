// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// The head of an HTTP request: its first line, which holds the code, in a `Secret`; of the rest
/// nothing is kept, for cookies of other programs on the same address may be long.
struct RequestHead: ~Copyable {
    /// The longest first line, in bytes.
    static let lineBytesMax = 16_384
    /// The longest head, in bytes: line and headers.
    static let bytesMax = 262_144

    private var secret: Secret
    /// How much of the line there is, and whether that is all of it.
    private var count = 0
    private var isLineWhole = false
    /// How much has arrived in all.
    private var arrivedCount = 0
    /// Whether nothing stands in the present line.
    private var isLineEmpty = false

    /// What a request turned out to be.
    enum Meaning: ~Copyable {
        /// The head is not whole yet.
        case incomplete
        /// The connection ended.
        case gone
        /// Not what is waited for: the status to answer with.
        case other(Int)
        /// The callback, with its query.
        case callback(Secret)
    }

    init() throws(VaultError) { secret = try Secret(zeroes: Self.lineBytesMax + Self.chunkBytes) }

    /// How much is taken at a time of what is not kept.
    private static let chunkBytes = 4096

    /// Takes what has arrived. The head is whole where an empty line is.
    mutating func receive(_ socket: Int32, path: String) throws -> Meaning {
        let got = SecretInput.receive(
            socket, into: &secret, at: count, atMost: Self.chunkBytes)
        if got < 0 && (errno == EINTR || errno == EAGAIN) { return .incomplete }
        guard got > 0 else { return .gone }
        arrivedCount += got
        if try isWhole(with: got) { return try meaning(path: path) }
        return count > Self.lineBytesMax || arrivedCount >= Self.bytesMax
            ? .other(431) : .incomplete
    }

    private func byte(_ offset: Int) -> UInt8 { secret.bytes.byte(at: offset) }

    /// Looks at what was taken. What follows the first line is written over by what comes next.
    private mutating func isWhole(with got: Int) throws -> Bool {
        let start = count
        for offset in start..<start + got {
            switch byte(offset) {
            case 0x0a where isLineEmpty: return true
            case 0x0a:
                if !isLineWhole { count = offset + 1 }
                (isLineWhole, isLineEmpty) = (true, true)
            case 0x0d: break
            default: isLineEmpty = false
            }
        }
        if !isLineWhole { count = start + got }
        return false
    }

    private func meaning(path: String) throws -> Meaning {
        guard starts(with: "GET ", at: 0) else { return .other(405) }
        guard starts(with: path, at: 4) else { return .other(404) }
        let query = 4 + path.utf8.count + 1
        switch byte(query - 1) {
        case UInt8(ascii: "?"): break
        case UInt8(ascii: " "): return .other(400)
        default: return .other(404)
        }
        var end = query
        while end < count, byte(end) > 0x20 { end += 1 }
        guard end > query else { return .other(400) }
        return .callback(try Secret(copying: secret.bytes.extracting(query..<end)))
    }

    /// True where the text is there and at least one byte follows.
    private func starts(with text: String, at offset: Int) -> Bool {
        guard offset + text.utf8.count < count else { return false }
        return text.utf8.enumerated().allSatisfy { byte(offset + $0.offset) == $0.element }
    }
}
