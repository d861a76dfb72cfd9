// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TokenVault

/// Writes JSON (RFC 8259) into the buffer that goes to the socket. A secret's bytes are copied from
/// where it lies into that buffer and nowhere else.
struct JSONWriter {
    private(set) var buffer: ByteBuffer
    private var needsComma = false

    /// - Parameter capacity: as much as a secret needs, so that the buffer is not moved under it.
    init(capacity: Int = 512) { buffer = ByteBuffer(); buffer.reserveCapacity(capacity) }

    mutating func beginObject(_ name: String? = nil) { begin(name, "{") }
    mutating func endObject() { end("}") }
    mutating func beginList(_ name: String? = nil) { begin(name, "[") }
    mutating func endList() { end("]") }

    private mutating func begin(_ name: String?, _ bracket: String) {
        next(name)
        buffer.writeString(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: String) {
        buffer.writeString(bracket)
        needsComma = true
    }

    /// What comes before a value.
    private mutating func next(_ name: String?) {
        if needsComma { buffer.writeString(",") }
        needsComma = true
        guard let name else { return }
        string(name)
        buffer.writeString(":")
    }

    /// A member; nothing where there is no value.
    mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        next(name)
        string(value)
    }

    mutating func member(_ name: String, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        next(name)
        buffer.writeString("\(value)")
    }

    mutating func member(_ name: String, _ value: Bool) {
        next(name)
        buffer.writeString(value ? "true" : "false")
    }

    mutating func member(_ name: String, _ time: UnixTime?) { member(name, time?.text) }

    mutating func member(_ name: String, _ values: [String]) {
        beginList(name)
        for value in values {
            next(nil)
            string(value)
        }
        endList()
    }

    mutating func member(_ name: String, _ values: [String: String]) {
        beginObject(name)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { member(name, value) }
        endObject()
    }

    mutating func member(_ name: String, _ secret: borrowing Secret) {
        next(name)
        let bytes = secret.bytes
        string(bytes)
    }

    mutating func member(_ name: String, _ value: SettingValue) {
        next(name)
        write(value)
    }

    private mutating func write(_ value: SettingValue) {
        switch value.content {
        case .nothing: buffer.writeString("null")
        case .flag(let flag): buffer.writeString(flag ? "true" : "false")
        case .number(let number): buffer.writeString("\(number)")
        case .text(let text): string(text)
        case .list(let list):
            buffer.writeString("[")
            needsComma = false
            for element in list {
                next(nil)
                write(element)
            }
            endList()
        case .object(let members):
            buffer.writeString("{")
            needsComma = false
            for (name, value) in members { member(name, value) }
            endObject()
        }
    }

    private mutating func string(_ text: String) {
        let span = text.utf8Span.span
        string(unsafe span.bytes)
    }

    /// The bytes between quotes, what a string must escape escaped.
    private mutating func string(_ bytes: RawSpan) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var start = 0
        for index in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            let isPlain =
                byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            if isPlain { continue }
            buffer.writeBytes(bytes.extracting(start..<index))
            start = index + 1
            if byte < 0x20 {
                let digits = String(byte, radix: 16)
                buffer.writeString("\\u00" + (digits.count < 2 ? "0" : "") + digits)
            } else {
                buffer.writeInteger(UInt8(ascii: "\\"))
                buffer.writeInteger(byte)
            }
        }
        buffer.writeBytes(bytes.extracting(start..<bytes.byteCount))
        buffer.writeInteger(UInt8(ascii: "\""))
    }
}
