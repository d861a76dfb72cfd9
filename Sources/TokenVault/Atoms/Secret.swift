// SPDX-License-Identifier: Apache-2.0

/// Bytes that nobody may keep: a token, a client secret, a key.
///
/// It cannot be copied, printed, interpolated, encoded, or put into an array, a dictionary or a
/// stream; it lives in `SecretArena` and is zeroed (`sodium_memzero`) where its scope ends. The
/// only ways to see its bytes are `bytes` and, for C, `withUnsafeBytes`. At most 65,536 bytes. A
/// child process made by fork has none of its parent's secrets: to look at one ends it.
@safe
public struct Secret: ~Copyable, @unchecked Sendable {
    private let block: SecretArena.Block
    /// How many bytes the secret has. Its block may be longer.
    public private(set) var count: Int

    /// A secret of `count` zero bytes, to be written through `mutableBytes`.
    ///
    /// - Throws: `tooManySecrets` where no block came free within a second, `limitExceeded` past
    ///   65,536 bytes.
    public init(zeroes count: Int) throws(VaultError) {
        precondition(count >= 0)
        unsafe block = try SecretArena.take(byteCount: count)
        self.count = count
    }

    /// An empty secret with room for `capacity` bytes, for a thread that must not wait: nil where
    /// no block is free at this moment.
    init?(roomFor capacity: Int) {
        guard
            let taken = unsafe try? SecretArena.take(byteCount: capacity, waitingAtMost: 0)
        else { return nil }
        unsafe block = taken
        count = 0
    }

    /// An empty secret with room for at least `capacity` bytes, to be filled with `append`.
    ///
    /// - Throws: as `init(zeroes:)`.
    init(capacity: Int) throws(VaultError) {
        try self.init(zeroes: capacity)
        count = 0
    }

    /// A copy of `span`. The caller wipes the original.
    ///
    /// - Throws: as `init(zeroes:)`.
    public init(copying span: RawSpan) throws(VaultError) {
        try self.init(zeroes: span.byteCount)
        unsafe span.withUnsafeBytes { source in
            if let from = source.baseAddress {
                unsafe block.start.copyMemory(from: from, byteCount: source.count)
            }
        }
    }

    /// `count` bytes of libsodium's randomness.
    ///
    /// - Throws: as `init(zeroes:)`.
    public init(random count: Int) throws(VaultError) {
        precondition(Sodium.ready)
        try self.init(zeroes: count)
        var span = mutableBytes
        Sodium.fillRandom(&span)
    }

    /// The bytes of a compile-time constant; for tests and examples, a real secret is no constant.
    ///
    /// - Throws: as `init(zeroes:)`.
    public init(_ constant: StaticString) throws(VaultError) {
        try self.init(zeroes: constant.utf8CodeUnitCount)
        unsafe block.start.copyMemory(from: constant.utf8Start, byteCount: count)
    }

    /// The little-endian bytes of an integer.
    init<Value: FixedWidthInteger & BitwiseCopyable>(integer value: Value) throws(VaultError) {
        try self.init(zeroes: MemoryLayout<Value>.size)
        store(value, at: 0)
    }

    // Past `count` the block is zero already: whatever shortens a secret wipes what it leaves.
    deinit { unsafe SecretArena.give(block, writtenBytes: count) }

    /// Ends the secret now instead of at the end of its scope.
    public consuming func destroy() {}

    /// The bytes, for as long as the secret is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let span = unsafe RawSpan(_unsafeStart: block.start, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes, writable.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableRawSpan(_unsafeStart: block.start, byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// A part of the bytes, writable.
    @_lifetime(&self)
    mutating func mutableBytes(_ range: Range<Int>) -> MutableRawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        let start = unsafe block.start + range.lowerBound
        let span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: range.count)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Lends the bytes to C. The pointer must not outlive the call.
    public borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: block.start, count: count))
    }

    /// How many bytes the secret could have without moving.
    var capacity: Int { unsafe block.byteCount }

    /// Gives back the bytes past `count`, zeroed.
    mutating func shorten(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        unsafe Sodium.wipe(block.start + count, self.count - count)
        self.count = count
    }

    /// Turns `range` into `added` zero bytes; what follows moves within the block, and what that
    /// leaves behind is wiped. False, with nothing changed, where the block is too short.
    mutating func replace(_ range: Range<Int>, withZeroes added: Int) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= count && added >= 0)
        let moved = count - range.upperBound
        let total = range.lowerBound + added + moved
        guard total <= capacity else { return false }
        unsafe (block.start + range.lowerBound + added)
            .copyMemory(from: block.start + range.upperBound, byteCount: moved)
        if total < count { unsafe Sodium.wipe(block.start + total, count - total) }
        unsafe Sodium.wipe(block.start + range.lowerBound, added)
        count = total
        return true
    }

    /// Keeps `range`, at the front of the same block, and wipes the rest.
    mutating func keep(_ range: Range<Int>) {
        shorten(to: range.upperBound)
        let fits = replace(0..<range.lowerBound, withZeroes: 0)
        precondition(fits)
    }

    /// Copies `range` to `offset`, over what is there. Both may overlap.
    mutating func move(_ range: Range<Int>, to offset: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        precondition(offset >= 0 && offset <= count - range.count)
        unsafe (block.start + offset)
            .copyMemory(from: block.start + range.lowerBound, byteCount: range.count)
    }

    /// Appends `span`. False, with nothing changed, where the block is too short.
    mutating func append(_ span: RawSpan) -> Bool {
        guard span.byteCount <= capacity - count else { return false }
        unsafe span.withUnsafeBytes { source in
            if let from = source.baseAddress {
                unsafe (block.start + count).copyMemory(from: from, byteCount: source.count)
            }
        }
        count += span.byteCount
        return true
    }

    /// Appends the text of a constant or of something that is no secret.
    mutating func append(_ text: String) -> Bool {
        let span = text.utf8Span.span
        return unsafe append(span.bytes)
    }

    /// Appends one byte.
    mutating func append(byte: UInt8) -> Bool {
        guard count < capacity else { return false }
        unsafe block.start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
        return true
    }

    /// Appends zero bytes. False where the block is too short.
    mutating func appendZeroes(_ added: Int) -> Bool {
        guard added <= capacity - count else { return false }
        unsafe Sodium.wipe(block.start + count, added)
        count += added
        return true
    }

    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int)
    {
        var span = mutableBytes
        span.store(value, at: offset)
    }

    mutating func store(_ source: RawSpan, at offset: Int) {
        var span = mutableBytes
        span.store(source, at: offset)
    }

    /// Stores the text of something that is no secret.
    mutating func store(_ text: String, at offset: Int) {
        let span = text.utf8Span.span
        store(unsafe span.bytes, at: offset)
    }

    /// A copy, in a block of its own.
    borrowing func copy() throws(VaultError) -> Secret { try Secret(copying: bytes) }

    /// The same bytes in a block that is no larger than they need, if one is free: there are fewest
    /// of the large ones, and whoever keeps a secret for long should leave those to others.
    consuming func compacted() -> Secret {
        guard SecretArena.blockBytes(for: count) < capacity,
            var smaller = Secret(roomFor: count), smaller.append(bytes)
        else { return self }
        return smaller
    }
}
