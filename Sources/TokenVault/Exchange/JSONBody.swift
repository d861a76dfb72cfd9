// SPDX-License-Identifier: Apache-2.0

/// A JSON object of strings (RFC 8259) in the making, in a secret. Filled twice, as `Form` is.
struct JSONBody: ~Copyable {
    private var secret: Secret?
    private var byteCount = 0
    private var isFirst = true

    private init(into secret: consuming Secret?) { self.secret = secret }

    /// The body that `fill` makes; it runs twice and must add the same members both times.
    ///
    /// - Throws: `limitExceeded` where the body is longer than a secret can be (65,536 bytes);
    ///   `tooManySecrets`.
    static func filled(_ fill: (inout JSONBody) -> Void) throws(VaultError) -> Secret {
        var counted = JSONBody(into: nil)
        counted.write(fill)
        guard counted.byteCount <= SecretArena.secretBytesMax else {
            throw VaultError(.limitExceeded, .exchange, number: SecretArena.secretBytesMax)
        }
        var written = JSONBody(into: try Secret(capacity: counted.byteCount))
        written.write(fill)
        guard let secret = written.secret.take(), secret.count == counted.byteCount else {
            preconditionFailure("an object that changed between counting and writing")
        }
        return secret
    }

    private mutating func write(_ fill: (inout JSONBody) -> Void) {
        put(UInt8(ascii: "{"))
        fill(&self)
        put(UInt8(ascii: "}"))
    }

    /// Adds a member.
    mutating func add(_ name: String, _ value: RawSpan) {
        if !isFirst { put(UInt8(ascii: ",")) }
        isFirst = false
        let name = name.utf8Span.span
        unsafe put(text: name.bytes)
        put(UInt8(ascii: ":"))
        put(text: value)
    }

    /// Adds a member that is no secret.
    mutating func add(_ name: String, text value: String) {
        let value = value.utf8Span.span
        unsafe add(name, value.bytes)
    }

    /// A string: quote, backslash and control characters are escaped (RFC 8259 section 7).
    private mutating func put(text: RawSpan) {
        put(UInt8(ascii: "\""))
        for offset in 0..<text.byteCount {
            let byte = text.byte(at: offset)
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                put(UInt8(ascii: "\\"))
                put(byte)
            case ..<0x20:
                for letter in "\\u00".utf8 { put(letter) }
                put(TextEncoding.hexDigit(byte >> 4))
                put(TextEncoding.hexDigit(byte & 15))
            default: put(byte)
            }
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func put(_ byte: UInt8) {
        byteCount += 1
        _ = secret?.append(byte: byte)
    }
}
