// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// Reads a string byte by byte, escapes resolved, to its end or to the first malformed
    /// escape.
    struct Unescaped: ~Escapable {
        private let bytes: RawSpan
        private var offset = 0
        /// Bytes of a resolved escape that are still to come, the next one lowest.
        private var pending: UInt32 = 0
        private var pendingCount = 0
        /// Whether it ended at a malformed escape.
        private(set) var isBroken = false

        @_lifetime(copy bytes)
        init(_ bytes: RawSpan) { self.bytes = bytes }

        @_lifetime(self: copy self)
        mutating func next() -> UInt8? {
            if pendingCount == 0 {
                guard offset < bytes.byteCount else { return nil }
                let byte = bytes.byte(at: offset)
                guard byte == UInt8(ascii: "\\") else {
                    offset += 1
                    return byte
                }
                guard resolve(JSONText.escape(bytes, at: offset)) else {
                    isBroken = true
                    offset = bytes.byteCount
                    return nil
                }
            }
            let byte = UInt8(truncatingIfNeeded: pending)
            pending >>= 8
            pendingCount -= 1
            return byte
        }

        @_lifetime(self: copy self)
        private mutating func resolve(_ escape: JSONText.Escape?) -> Bool {
            guard let escape, let scalar = Unicode.Scalar(escape.scalar),
                let encoded = UTF8.encode(scalar)
            else { return false }
            offset = escape.end
            for unit in encoded {
                pending |= UInt32(unit) << UInt32(8 * pendingCount)
                pendingCount += 1
            }
            return true
        }
    }
}
