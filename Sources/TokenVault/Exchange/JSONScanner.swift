// SPDX-License-Identifier: Apache-2.0

/// Walks over the members of one JSON object (RFC 8259) where it lies: nothing is copied, nothing
/// is allocated, and what it hands out are positions.
///
/// Strict, because two readers that disagree about a token response are an attack: no byte order
/// mark, no trailing byte, no trailing comma, UTF-8 as RFC 3629 has it, numbers, literals, escapes
/// and surrogate pairs as the grammar has them. A name that occurs twice in the object is refused,
/// however it is escaped. Inside a member's value the grammar is checked but names are not
/// compared: whoever reads that value walks it with a scanner of its own, which does.
///
/// Every violation throws `providerAnswerUnreadable`. Walk until `next` returns nil: only then is
/// the whole of it valid.
struct JSONScanner: ~Copyable, ~Escapable {
    /// What a value is.
    enum Kind: UInt8 {
        case string, number, object, array, `true`, `false`, null
    }

    /// Where a value lies; a string without its quotes.
    struct Value: BitwiseCopyable {
        let kind: Kind
        /// True for a string in which a backslash occurs.
        let hasEscapes: Bool
        let start: UInt32
        let end: UInt32

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    /// A name and its value.
    struct Member: BitwiseCopyable {
        let name: Value
        let value: Value
    }

    /// The longest text, in bytes.
    static let byteCountMax = SecretArena.secretBytesMax
    /// How deep objects and arrays may nest; the outermost object is the first level.
    static let depthMax = 16
    /// The most members of an object that is walked.
    static let membersMax = 128
    /// The longest name of such a member, in bytes as written.
    static let nameBytesMax = 256

    let bytes: RawSpan
    private var offset = 0
    private var place = Place.before
    private var names: InlineArray<128, Name>
    private var nameCount = 0

    private enum Place { case before, inside, after }

    /// A scanner of `bytes`, which must hold one object and at most white space around it.
    ///
    /// - Throws: `providerAnswerUnreadable` past `byteCountMax`.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) throws(VaultError) {
        self.bytes = bytes
        names = .init(repeating: Name())
        guard bytes.byteCount <= Self.byteCountMax else { throw Self.unreadable }
    }

    static var unreadable: VaultError { VaultError(.providerAnswerUnreadable, .exchange) }

    /// The next member, or nil after the last one, where nothing but white space follows.
    @_lifetime(self: copy self)
    mutating func next() throws(VaultError) -> Member? {
        switch place {
        case .before:
            skipSpace()
            try take(UInt8(ascii: "{"))
            skipSpace()
            place = .inside
            if current == UInt8(ascii: "}") { return try finish() }
        case .inside:
            skipSpace()
            if current == UInt8(ascii: "}") { return try finish() }
            try take(UInt8(ascii: ","))
            skipSpace()
        case .after: return nil
        }
        let name = try string()
        try remember(name)
        try colon()
        return Member(name: name, value: try value(depth: 1))
    }

    @_lifetime(self: copy self)
    private mutating func finish() throws(VaultError) -> Member? {
        offset += 1
        skipSpace()
        guard offset == bytes.byteCount else { throw Self.unreadable }
        place = .after
        return nil
    }

    @_lifetime(self: copy self)
    private mutating func remember(_ name: Value) throws(VaultError) {
        guard name.range.count <= Self.nameBytesMax, nameCount < Self.membersMax else {
            throw Self.unreadable
        }
        for index in 0..<nameCount where isSameText(names[index].value, name) {
            throw Self.unreadable
        }
        names[nameCount] = Name(name)
        nameCount += 1
    }

    /// The byte at hand. Behind the end it reads as NUL, which no rule of the grammar accepts.
    private var current: UInt8 {
        offset < bytes.byteCount
            ? unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) : 0
    }

    @_lifetime(self: copy self)
    private mutating func take(_ expected: UInt8) throws(VaultError) {
        guard current == expected else { throw Self.unreadable }
        offset += 1
    }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
        while true {
            switch current {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func colon() throws(VaultError) {
        skipSpace()
        try take(UInt8(ascii: ":"))
        skipSpace()
    }

    @_lifetime(self: copy self)
    private mutating func value(depth: Int) throws(VaultError) -> Value {
        switch current {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "{"): try container(.object, depth: depth + 1)
        case UInt8(ascii: "["): try container(.array, depth: depth + 1)
        case UInt8(ascii: "t"): try literal("true", .true)
        case UInt8(ascii: "f"): try literal("false", .false)
        case UInt8(ascii: "n"): try literal("null", .null)
        default: throw Self.unreadable
        }
    }

    @_lifetime(self: copy self)
    private mutating func container(_ kind: Kind, depth: Int) throws(VaultError) -> Value {
        guard depth <= Self.depthMax else { throw Self.unreadable }
        let close = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        let start = offset
        offset += 1
        skipSpace()
        if current != close {
            while true {
                if kind == .object {
                    _ = try string()
                    try colon()
                }
                _ = try value(depth: depth)
                skipSpace()
                guard current == UInt8(ascii: ",") else { break }
                offset += 1
                skipSpace()
            }
        }
        try take(close)
        return found(kind, from: start)
    }

    @_lifetime(self: copy self)
    private mutating func literal(_ text: StaticString, _ kind: Kind) throws(VaultError) -> Value {
        let start = offset
        for index in 0..<text.utf8CodeUnitCount {
            try take(unsafe text.utf8Start[index])
        }
        return found(kind, from: start)
    }

    @_lifetime(self: copy self)
    private mutating func number() throws(VaultError) -> Value {
        let start = offset
        if current == UInt8(ascii: "-") { offset += 1 }
        if current == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        if current == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if current | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        return found(.number, from: start)
    }

    @_lifetime(self: copy self)
    private mutating func digits() throws(VaultError) {
        let start = offset
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(current) { offset += 1 }
        guard offset > start else { throw Self.unreadable }
    }

    @_lifetime(self: copy self)
    private mutating func string() throws(VaultError) -> Value {
        try take(UInt8(ascii: "\""))
        let start = offset
        var hasEscapes = false
        while true {
            offset = JSONText.plainEnd(bytes, from: offset)
            switch current {
            case UInt8(ascii: "\""):
                offset += 1
                return Value(
                    kind: .string, hasEscapes: hasEscapes, start: UInt32(start),
                    end: UInt32(offset - 1))
            case UInt8(ascii: "\\"):
                hasEscapes = true
                guard let next = JSONText.escape(bytes, at: offset)?.end else {
                    throw Self.unreadable
                }
                offset = next
            case 0x80...:
                let length = JSONText.multibyteLength(bytes, at: offset)
                guard length > 0 else { throw Self.unreadable }
                offset += length
            default: throw Self.unreadable  // a control character, or the end of the text
            }
        }
    }

    private func found(_ kind: Kind, from start: Int) -> Value {
        Value(kind: kind, hasEscapes: false, start: UInt32(start), end: UInt32(offset))
    }
}
