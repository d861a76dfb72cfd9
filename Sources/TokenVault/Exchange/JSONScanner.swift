// SPDX-License-Identifier: Apache-2.0

/// Walks over the members of one JSON object (RFC 8259) where it lies: nothing is copied, nothing
/// is allocated, and what it hands out are positions.
///
/// Of a value it finds where it ends and what it seems to be, no more: a byte of Latin-1, half of a
/// surrogate pair, a bad number or a thousand brackets in a member that nobody reads must not cost
/// the tokens beside it. Whoever reads a member is strict about it, and refuses one that is there
/// twice. A byte order mark before the object is passed over, and whatever follows it.
///
/// Where members or their ends cannot be told it throws `providerAnswerUnreadable`. Walk until
/// `next` returns nil: only then is the object whole.
struct JSONScanner: ~Copyable, ~Escapable {
    /// What a value is, by how it begins; of the three words by all their letters.
    enum Kind: UInt8 {
        case string, number, object, array, `true`, `false`, null
        /// Anything else, such as `NaN`.
        case other
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

    let bytes: RawSpan
    private var offset = 0
    private var place = Place.before

    private enum Place { case before, inside, after }

    /// A scanner of `bytes`, which must begin with an object but for white space.
    ///
    /// - Throws: `providerAnswerUnreadable` past `byteCountMax`.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) throws(VaultError) {
        self.bytes = bytes
        guard bytes.byteCount <= Self.byteCountMax else { throw Self.unreadable }
    }

    static var unreadable: VaultError { VaultError(.providerAnswerUnreadable, .exchange) }

    /// Whether `bytes` begin with a whole object.
    static func isWholeObject(_ bytes: RawSpan) -> Bool { objectLength(bytes) != nil }

    /// Where the object ends that `bytes` begin with; nil where there is none, or it is cut.
    static func objectLength(_ bytes: RawSpan) -> Int? {
        func walk() throws(VaultError) -> Int {
            var scanner = try JSONScanner(bytes)
            while try scanner.next() != nil {}
            return scanner.offset + 1
        }
        do throws(VaultError) {
            return try walk()
        } catch {
            return nil
        }
    }

    /// The next member, or nil after the last one.
    @_lifetime(self: copy self)
    mutating func next() throws(VaultError) -> Member? {
        guard try goOn(UInt8(ascii: "{"), UInt8(ascii: "}")) else { return nil }
        let name = try string()
        skipSpace()
        try take(UInt8(ascii: ":"))
        skipSpace()
        return Member(name: name, value: try value())
    }

    /// The next element where `bytes` begin with an array, or nil after the last one.
    @_lifetime(self: copy self)
    mutating func nextElement() throws(VaultError) -> Value? {
        try goOn(UInt8(ascii: "["), UInt8(ascii: "]")) ? try value() : nil
    }

    /// Goes to the next member or element between two brackets. False after the last one.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func goOn(_ opening: UInt8, _ closing: UInt8) throws(VaultError) -> Bool {
        switch place {
        case .before:
            offset = Self.markEnd(bytes)
            skipSpace()
            try take(opening)
            skipSpace()
            place = .inside
            if current == closing { return finish() }
        case .inside:
            skipSpace()
            if current == closing { return finish() }
            try take(UInt8(ascii: ","))
            skipSpace()
        case .after: return false
        }
        return true
    }

    /// How long a byte order mark at the beginning is (RFC 3629 section 6).
    static func markEnd(_ bytes: RawSpan) -> Int {
        let hasMark =
            bytes.byteCount >= 3 && bytes.byte(at: 0) == 0xEF && bytes.byte(at: 1) == 0xBB
            && bytes.byte(at: 2) == 0xBF
        return hasMark ? 3 : 0
    }

    @_lifetime(self: copy self)
    private mutating func finish() -> Bool {
        place = .after
        return false
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
    private mutating func skipSpace() { offset = JSONText.spaceEnd(bytes, from: offset) }

    @_lifetime(self: copy self)
    private mutating func value() throws(VaultError) -> Value {
        if current == UInt8(ascii: "\"") { return try string() }
        let start = offset
        var skip = JSONSkip()
        // A word or a number that the bytes end with may go on: the object is not whole anyway.
        guard let end = try skip.end(in: bytes, from: start) else { throw Self.unreadable }
        offset = end
        return Value(
            kind: kind(start..<end), hasEscapes: false, start: UInt32(start), end: UInt32(end))
    }

    private func kind(_ range: Range<Int>) -> Kind {
        switch bytes.byte(at: range.lowerBound) {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "t") where bytes.extracting(range).equalsText("true"): .true
        case UInt8(ascii: "f") where bytes.extracting(range).equalsText("false"): .false
        case UInt8(ascii: "n") where bytes.extracting(range).equalsText("null"): .null
        default: .other
        }
    }

    @_lifetime(self: copy self)
    private mutating func string() throws(VaultError) -> Value {
        try take(UInt8(ascii: "\""))
        let start = offset
        var hasEscapes = false
        guard let end = JSONText.closingQuote(bytes, from: start, hasEscapes: &hasEscapes) else {
            throw Self.unreadable
        }
        offset = end + 1
        return Value(
            kind: .string, hasEscapes: hasEscapes, start: UInt32(start), end: UInt32(end))
    }
}
