// SPDX-License-Identifier: Apache-2.0

/// The plaintext of a record: fields of tag (2 bytes), length (4 bytes) and value, tags ascending.
///
/// It is kept as the bytes it was opened from, so fields that this version does not know survive
/// every change. One `Secret` holds all; it is wiped when the fields go.
struct Fields: ~Copyable {
    private(set) var secret: Secret

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
            offset += Self.headBytes + length
            count += 1
        }
        secret = plaintext
    }

    func copy() throws(VaultError) -> Fields { try Fields(secret.copy()) }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let span = secret.bytes
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Where the value of the first field with this tag lies.
    func range(_ tag: UInt16) -> Range<Int>? {
        var offset = 0
        while let field = next(&offset) {
            if field.tag == tag { return field.value }
            if field.tag > tag { return nil }
        }
        return nil
    }

    func ranges(_ tag: UInt16) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var offset = 0
        while let field = next(&offset) {
            if field.tag == tag { found.append(field.value) }
        }
        return found
    }

    private func next(_ offset: inout Int) -> (tag: UInt16, value: Range<Int>)? {
        guard offset < secret.count else { return nil }
        let tag: UInt16 = secret.bytes.integer(at: offset)
        let start = offset + Self.headBytes
        let end = start + Int(secret.bytes.integer(at: offset + 2, as: UInt32.self))
        offset = end
        return (tag, start..<end)
    }

    func has(_ tag: UInt16) -> Bool { range(tag) != nil }

    /// A copy of the value in a slot of its own.
    func secret(_ tag: UInt16) throws(VaultError) -> Secret? {
        guard let range = range(tag) else { return nil }
        return try Secret(copying: secret.bytes.extracting(range))
    }

    /// The value as text; for what is no token and no client secret.
    func text(_ tag: UInt16) -> String? {
        range(tag).flatMap { secret.bytes.extracting($0).publicText }
    }

    func texts(_ tag: UInt16) -> [String] {
        ranges(tag).compactMap { secret.bytes.extracting($0).publicText }
    }

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ tag: UInt16, as type: Value.Type = Value.self
    ) -> Value? {
        guard let range = range(tag), range.count == MemoryLayout<Value>.size else { return nil }
        return secret.bytes.integer(at: range.lowerBound)
    }

    func time(_ tag: UInt16) -> UnixTime? {
        integer(tag, as: Int64.self).map(UnixTime.init(milliseconds:))
    }

    /// Pairs: length of the name (2 bytes), name, value.
    func pairs(_ tag: UInt16) -> [(name: String, value: String)] {
        ranges(tag).compactMap { range in
            guard range.count >= 2 else { return nil }
            let length = Int(
                secret.bytes.integer(at: range.lowerBound, as: UInt16.self))
            let middle = range.lowerBound + 2 + length
            guard middle <= range.upperBound,
                let name = secret.bytes.extracting(range.lowerBound + 2..<middle).publicText,
                let value = secret.bytes.extracting(middle..<range.upperBound).publicText
            else { return nil }
            return (name, value)
        }
    }

    /// Replaces every field of this tag by one with `value`, or by none.
    mutating func set(_ tag: UInt16, _ value: RawSpan?) throws(VaultError) {
        try replace(tag, count: value == nil ? 0 : 1, byteCount: value?.byteCount ?? 0) {
            secret, _ in
            guard let value else { return true }
            return secret.append(value)
        }
    }

    mutating func set<Value: FixedWidthInteger & BitwiseCopyable>(
        _ tag: UInt16, integer: Value?
    ) throws(VaultError) {
        guard let integer else { return try set(tag, nil) }
        let bytes = try Secret(integer: integer)
        try set(tag, bytes.bytes)
    }

    mutating func set(_ tag: UInt16, time: UnixTime?) throws(VaultError) {
        try set(tag, integer: time?.milliseconds)
    }

    mutating func set(_ tag: UInt16, text: String?) throws(VaultError) {
        try set(tag, texts: text.map { [$0] } ?? [])
    }

    mutating func set(_ tag: UInt16, texts: [String]) throws(VaultError) {
        let byteCount = texts.reduce(0) { $0 + $1.utf8.count }
        try replace(tag, count: texts.count, byteCount: byteCount) { secret, index in
            secret.append(texts[index])
        }
    }

    mutating func set(_ tag: UInt16, pairs: [(name: String, value: String)]) throws(VaultError) {
        let byteCount = pairs.reduce(0) { $0 + 2 + $1.name.utf8.count + $1.value.utf8.count }
        try replace(tag, count: pairs.count, byteCount: byteCount) { secret, index in
            let length = UInt16(clamping: pairs[index].name.utf8.count)
            return secret.append(byte: UInt8(length & 255))
                && secret.append(byte: UInt8(length >> 8))
                && secret.append(pairs[index].name) && secret.append(pairs[index].value)
        }
    }

    /// Rebuilds the record with `count` fields of `tag`, whose values `write` appends; `byteCount`
    /// is their sum.
    private mutating func replace(
        _ tag: UInt16, count: Int, byteCount: Int, _ write: (inout Secret, Int) -> Bool
    ) throws(VaultError) {
        var before = 0
        var after = 0
        var offset = 0
        var end = 0
        while let field = next(&offset) {
            if field.tag < tag { before = offset }
            if field.tag <= tag { after = offset }
            end = offset
        }
        let total = before + count * Self.headBytes + byteCount + (end - after)
        guard total <= SealedRecord.plaintextBytesMax else {
            throw VaultError(.limitExceeded, .seal, number: SealedRecord.plaintextBytesMax)
        }
        var rebuilt = try Secret(zeroes: total)
        rebuilt.shorten(to: 0)
        var fits = rebuilt.append(secret.bytes.extracting(0..<before))
        for index in 0..<count {
            let head = rebuilt.count
            fits = fits && rebuilt.appendZeroes(Self.headBytes) && write(&rebuilt, index)
            guard fits else { break }
            rebuilt.store(tag, at: head)
            rebuilt.store(UInt32(rebuilt.count - head - Self.headBytes), at: head + 2)
        }
        fits = fits && rebuilt.append(secret.bytes.extracting(after..<end))
        guard fits else {
            throw VaultError(.limitExceeded, .seal, number: SealedRecord.plaintextBytesMax)
        }
        secret = rebuilt
    }
}
