// SPDX-License-Identifier: Apache-2.0

/// The first byte of a body as it came, before curl undoes what a header field names: a server or a
/// proxy behind it may name a coding, and send the body as it was.
struct BodyStart {
    /// What `Content-Encoding` names.
    let coding: ReplyHeaders.Coding
    /// Whether the body comes in chunks (RFC 9112 section 7.1), so that a line is before the first
    /// byte of it.
    private(set) var isBehindLine: Bool

    init(_ headers: borrowing ReplyHeaders) {
        coding = headers.coding
        isBehindLine = headers.isChunked
    }

    /// Takes the next bytes from the wire. Whether the body is not coded at all; nil where its
    /// first byte is still to come.
    mutating func isPlain(_ bytes: RawSpan) -> Bool? {
        var index = 0
        while isBehindLine, index < bytes.byteCount {
            isBehindLine = bytes.byte(at: index) != UInt8(ascii: "\n")
            index += 1
        }
        guard index < bytes.byteCount else { return nil }
        let first = bytes.byte(at: index)
        return switch coding {
        // The first byte of gzip (RFC 1952 section 2.3.1).
        case .gzip: first != 0x1F
        // No zlib header begins so (RFC 1950 section 2.2), and no deflated object or text (RFC 1951
        // section 3.2.3): an object, or the mark before one.
        case .deflate: first == UInt8(ascii: "{") || first == 0xEF
        case .none, .unknown: true
        }
    }
}
