// SPDX-License-Identifier: Apache-2.0

/// What a captured value is called: it can stand in a template.
enum CapturedName {
    static let words =
        "a name of 1 to \(Provider.capturedNameBytesMax) letters, digits and underscores, "
        + "a letter first"

    static func isWellFormed(_ name: String) -> Bool {
        (1...Provider.capturedNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
            && name.utf8.first.map(isLetter) == true
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
