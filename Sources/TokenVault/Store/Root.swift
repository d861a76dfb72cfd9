// SPDX-License-Identifier: Apache-2.0

/// The ROOT record: how many records live, the counters, and the store MAC over all of them.
struct Root {
    static let byteCount = 64
    static let lmdbKey: StaticString = "ROOT"

    var recordCount: UInt64 = 0
    /// The last generation given out; never goes back.
    var generation: UInt64 = 0
    var nextEvent: UInt64 = 1
    var nextBatch: UInt64 = 1
    var mac = StoreMAC()

    init() {}

    init(_ plaintext: RawSpan) throws(VaultError) {
        guard plaintext.byteCount == Self.byteCount else {
            throw VaultError(.recordDamaged, .store)
        }
        recordCount = plaintext.integer(at: 0)
        generation = plaintext.integer(at: 8)
        nextEvent = plaintext.integer(at: 16)
        nextBatch = plaintext.integer(at: 24)
        mac = StoreMAC(plaintext, at: 32)
    }

    func encoded() throws(VaultError) -> Secret {
        var plaintext = try Secret(zeroes: Self.byteCount)
        plaintext.store(recordCount, at: 0)
        plaintext.store(generation, at: 8)
        plaintext.store(nextEvent, at: 16)
        plaintext.store(nextBatch, at: 24)
        mac.store(into: &plaintext, at: 32)
        return plaintext
    }
}

/// XOR over all live records of BLAKE2b(store MAC key, LMDB key ‖ generation ‖ tag).
///
/// Generations never repeat, so no element repeats, and XOR lets a record leave as it came.
struct StoreMAC: Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ span: RawSpan, at offset: Int) {
        words = (
            span.integer(at: offset), span.integer(at: offset + 8), span.integer(at: offset + 16),
            span.integer(at: offset + 24)
        )
    }

    func store(into secret: inout Secret, at offset: Int) {
        secret.store(words.0, at: offset)
        secret.store(words.1, at: offset + 8)
        secret.store(words.2, at: offset + 16)
        secret.store(words.3, at: offset + 24)
    }

    /// Adds a record that is not in the sum, or takes one out that is.
    mutating func toggle(
        _ key: RawSpan, generation: UInt64, tag: RawSpan, macKey: borrowing Secret
    ) {
        var part = InlineArray<56, UInt8>(repeating: 0)
        var elements = part.mutableSpan
        var output = unsafe elements.mutableBytes
        output.store(key, at: 0)
        output.store(generation, at: 32)
        output.store(tag, at: 40)
        let element = RecordKey(hashing: output.bytes, key: macKey)
        let other = StoreMAC(element.bytes, at: 0)
        words.0 ^= other.words.0
        words.1 ^= other.words.1
        words.2 ^= other.words.2
        words.3 ^= other.words.3
    }

    static func == (left: Self, right: Self) -> Bool { left.words == right.words }
}
