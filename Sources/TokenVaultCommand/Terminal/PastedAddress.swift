// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// An address as people paste it: with blanks, quotes or brackets around it.
enum PastedAddress {
    /// Its query, without question mark and fragment.
    static func query(of address: borrowing Secret) throws -> Secret {
        var (first, end) = (0, address.count)
        while first < end, isAround(address.bytes.byte(at: first)) { first += 1 }
        while end > first, isAround(address.bytes.byte(at: end - 1)) { end -= 1 }
        var start: Int?
        for index in first..<end {
            let byte = address.bytes.byte(at: index)
            if byte == UInt8(ascii: "?"), start == nil { start = index + 1 }
            if byte == UInt8(ascii: "#") || byte <= 0x20 {
                end = index
                break
            }
        }
        guard let start, start < end else {
            throw CommandFailure(
                .badData, "this address has no query: paste all of it, from http to the end")
        }
        return try Secret(copying: address.bytes.extracting(start..<end))
    }

    /// What no URL begins or ends with: blanks, quotes, and whatever is not ASCII.
    private static func isAround(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte >= 0x7f || "\"'`<>".utf8.contains(byte)
    }
}
