// SPDX-License-Identifier: Apache-2.0

/// The plaintext of a record: fields of tag (2 bytes), length (4 bytes) and value, tags ascending.
///
/// It is kept as the bytes it was opened from, so fields that this version does not know survive
/// every change. One `Secret` holds all; it is wiped when the fields go.
struct Fields: ~Copyable {
    private(set) var secret: Secret
    /// Which tags there may be, a bit for each: most that are asked for are not.
    private var tags: UInt64 = 0

    static let headBytes = 6
    /// The most fields of one record.
    static let countMax = 1024

    init() throws(VaultError) { secret = try Secret(zeroes: 0) }

    /// Takes an opened plaintext after checking its form.
    ///
    /// - Throws: `recordDamaged`.
    init(_ plaintext: consuming Secret) throws(VaultError) {
        var offset = 0
        var count = 0
        var lastTag: UInt16 = 0
        while offset < plaintext.count {
            guard plaintext.count - offset >= Self.headBytes, count < Self.countMax else {
                throw VaultError(.recordDamaged, .seal)
            }
            let tag: UInt16 = plaintext.bytes.integer(at: offset)
            let length = Int(plaintext.bytes.integer(at: offset + 2, as: UInt32.self))
            guard tag >= lastTag, length <= plaintext.count - offset - Self.headBytes else {
                throw VaultError(.recordDamaged, .seal)
            }
            lastTag = tag
            tags |= Self.bit(tag)
            offset += Self.headBytes + length
            count += 1
        }
        secret = plaintext
    }

    func copy() throws(VaultError) -> Fields { try Fields(secret.copy()) }

    private init(checked secret: consuming Secret, tags: UInt64) {
        self.secret = secret
        self.tags = tags
    }

    /// Tags from here on share a bit.
    private static let lastBit: UInt16 = 63
    private static func bit(_ tag: UInt16) -> UInt64 { 1 << UInt64(min(tag, lastBit)) }

    /// A copy without the fields of these tags, in a block of its own; nil where it would be longer
    /// than `byteCountMax`, or no block is free at this moment.
    func copy(without tags: ClosedRange<UInt16>, byteCountMax: Int) -> Fields? {
        let (before, after) = bounds(tags)
        let byteCount = secret.count - (after - before)
        guard byteCount <= byteCountMax, var rest = Secret(roomFor: byteCount),
            rest.append(bytes.extracting(0..<before)),
            rest.append(bytes.extracting(after..<secret.count))
        else { return nil }
        return Fields(checked: rest, tags: self.tags)
    }

    /// Where the fields of these tags begin and end.
    private func bounds(_ tags: ClosedRange<UInt16>) -> (before: Int, after: Int) {
        var (before, after, offset) = (0, 0, 0)
        while let field = next(&offset), field.tag <= tags.upperBound {
            if field.tag < tags.lowerBound { before = offset }
            after = offset
        }
        return (before, after)
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let span = secret.bytes
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Where the value of the first field with this tag lies.
    func range(_ tag: UInt16) -> Range<Int>? {
        guard tags & Self.bit(tag) != 0 else { return nil }
        var offset = 0
        while let field = next(&offset) {
            if field.tag == tag { return field.value }
            if field.tag > tag { return nil }
        }
        return nil
    }

    func ranges(_ tag: UInt16) -> [Range<Int>] {
        var found: [Range<Int>] = []
        guard tags & Self.bit(tag) != 0 else { return found }
        var offset = 0
        while let field = next(&offset) {
            if field.tag == tag { found.append(field.value) }
            if field.tag > tag { break }
        }
        return found
    }

    /// Goes on from `offset` to the first field of this tag or of a later one.
    func skip(to tag: UInt16, _ offset: inout Int) {
        var following = offset
        while let field = next(&following), field.tag < tag { offset = following }
    }

    /// The field at `offset`, which goes on to the one after it.
    func next(_ offset: inout Int) -> (tag: UInt16, value: Range<Int>)? {
        guard offset < secret.count else { return nil }
        let tag: UInt16 = secret.bytes.integer(at: offset)
        let start = offset + Self.headBytes
        let end = start + Int(secret.bytes.integer(at: offset + 2, as: UInt32.self))
        offset = end
        return (tag, start..<end)
    }

    func has(_ tag: UInt16) -> Bool { range(tag) != nil }

    /// A copy of the value in a block of its own.
    func secret(_ tag: UInt16) throws(VaultError) -> Secret? {
        guard let range = range(tag) else { return nil }
        return try Secret(copying: secret.bytes.extracting(range))
    }

    /// The value in the block that held all fields; the others are wiped.
    consuming func takeSecret(_ tag: UInt16) -> Secret? {
        guard let range = range(tag) else { return nil }
        secret.keep(range)
        return secret
    }

    /// All fields, to be sealed.
    consuming func takeAll() -> Secret { secret }

    /// The value as text; for what is no token and no client secret.
    func text(_ tag: UInt16) -> String? { range(tag).flatMap { text($0) } }

    func text(_ range: Range<Int>) -> String? { secret.bytes.extracting(range).publicText }

    func texts(_ tag: UInt16) -> [String] { ranges(tag).compactMap { text($0) } }

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ tag: UInt16, as type: Value.Type = Value.self
    ) -> Value? {
        range(tag).flatMap { integer($0) }
    }

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ range: Range<Int>) -> Value? {
        guard range.count == MemoryLayout<Value>.size else { return nil }
        return secret.bytes.integer(at: range.lowerBound)
    }

    func time(_ tag: UInt16) -> UnixTime? {
        integer(tag, as: Int64.self).map(UnixTime.init(milliseconds:))
    }

    /// A pair: length of the name (2 bytes), name, value.
    func pair(_ range: Range<Int>) -> (name: String, value: String)? {
        guard range.count >= 2 else { return nil }
        let length = Int(secret.bytes.integer(at: range.lowerBound, as: UInt16.self))
        let middle = range.lowerBound + 2 + length
        guard middle <= range.upperBound, let name = text(range.lowerBound + 2..<middle),
            let value = text(middle..<range.upperBound)
        else { return nil }
        return (name, value)
    }

    /// Replaces every field of this tag by one with `value`, or by none.
    mutating func set(_ tag: UInt16, _ value: RawSpan?) throws(VaultError) {
        guard let value else {
            if has(tag) { try replace(tag, count: 0, byteCount: { _ in 0 }, { _, _, _ in }) }
            return
        }
        if let offset = only(tag, byteCount: value.byteCount) {
            return secret.store(value, at: offset)
        }
        try replace(tag, count: 1, byteCount: { _ in value.byteCount }) { secret, _, offset in
            secret.store(value, at: offset)
        }
    }

    mutating func set<Value: FixedWidthInteger & BitwiseCopyable>(
        _ tag: UInt16, integer: Value?
    ) throws(VaultError) {
        guard let integer else { return try set(tag, nil) }
        let size = MemoryLayout<Value>.size
        if let offset = only(tag, byteCount: size) { return secret.store(integer, at: offset) }
        try replace(tag, count: 1, byteCount: { _ in size }) { secret, _, offset in
            secret.store(integer, at: offset)
        }
    }

    mutating func set(_ tag: UInt16, time: UnixTime?) throws(VaultError) {
        try set(tag, integer: time?.milliseconds)
    }

    mutating func set(_ tag: UInt16, text: String?) throws(VaultError) {
        guard let text else { return try set(tag, nil) }
        let span = text.utf8Span.span
        try unsafe set(tag, span.bytes)
    }

    mutating func set(_ tag: UInt16, texts: [String]) throws(VaultError) {
        try replace(tag, count: texts.count, byteCount: { texts[$0].utf8.count }) {
            secret, index, offset in
            secret.store(texts[index], at: offset)
        }
    }

    mutating func set(_ tag: UInt16, pairs: [(name: String, value: String)]) throws(VaultError) {
        try replace(
            tag, count: pairs.count,
            byteCount: { 2 + pairs[$0].name.utf8.count + pairs[$0].value.utf8.count }
        ) { secret, index, offset in
            let length = pairs[index].name.utf8.count
            secret.store(UInt16(clamping: length), at: offset)
            secret.store(pairs[index].name, at: offset + 2)
            secret.store(pairs[index].value, at: offset + 2 + length)
        }
    }

    /// Where a value of this length can lie in place of the only one of its tag; nil elsewhere.
    private func only(_ tag: UInt16, byteCount: Int) -> Int? {
        var offset = 0
        while let field = next(&offset), field.tag <= tag {
            guard field.tag == tag else { continue }
            guard field.value.count == byteCount else { return nil }
            return next(&offset)?.tag == tag ? nil : field.value.lowerBound
        }
        return nil
    }

    /// Replaces the fields of `tag` by `count` new ones: `byteCount` tells the length of each
    /// value, `write` stores it at an offset. The record stays in its block while it fits there.
    private mutating func replace(
        _ tag: UInt16, count: Int, byteCount: (Int) -> Int,
        _ write: (inout Secret, Int, Int) -> Void
    ) throws(VaultError) {
        let (before, after) = bounds(tag...tag)
        var added = 0
        for index in 0..<count { added += Self.headBytes + byteCount(index) }
        let total = secret.count - (after - before) + added
        guard total <= SealedRecord.plaintextBytesMax else {
            throw VaultError(.limitExceeded, .seal, number: SealedRecord.plaintextBytesMax)
        }
        if total > secret.capacity {
            var larger = try Secret(capacity: total)
            let fits = larger.append(secret.bytes)
            precondition(fits)
            secret = larger
        }
        let fits = secret.replace(before..<after, withZeroes: added)
        precondition(fits)
        if count > 0 {
            tags |= Self.bit(tag)
        } else if tag < Self.lastBit {
            tags &= ~Self.bit(tag)
        }
        var head = before
        for index in 0..<count {
            let length = byteCount(index)
            secret.store(tag, at: head)
            secret.store(UInt32(length), at: head + 2)
            write(&secret, index, head + Self.headBytes)
            head += Self.headBytes + length
        }
    }
}
