// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

// The little that has to be read from bytes that may be a token, without a `String` of them.
extension RawSpan {
    /// The byte at an offset.
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Where `text` begins, at or after `offset`.
    func offset(of text: StaticString, from offset: Int = 0) -> Int? {
        let length = text.utf8CodeUnitCount
        var start = offset
        while start + length <= byteCount {
            var same = 0
            while same < length, unsafe byte(at: start + same) == text.utf8Start[same] { same += 1 }
            if same == length { return start }
            start += 1
        }
        return nil
    }

    /// A part of the bytes as text, for what is no secret.
    func text(_ range: Range<Int>) -> String {
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(byte(at: index))) }
        return text
    }

    /// All of the bytes as text, for what is no secret.
    var text: String { text(0..<byteCount) }
}

extension Secret {
    /// A token as it may be shown: ten characters at its beginning, two at its end, its length.
    var masked: String {
        guard count > 24 else { return "(\(count) characters)" }
        return bytes.text(0..<10) + "..." + bytes.text(count - 2..<count)
            + "  (\(count) characters)"
    }
}
