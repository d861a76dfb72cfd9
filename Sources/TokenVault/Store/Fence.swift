// SPDX-License-Identifier: Apache-2.0

/// A disconnect that has begun: the version of a record that ends, and its slot.
///
/// It ends the life it was made for and no other. Otherwise one that was kept and put back could
/// erase the record that has the id today.
struct Fence {
    static let byteCount = 16
    static let letter = UInt8(ascii: "F")
    /// The letter and the key of the record.
    static let labelBytes = 1 + RecordKey.byteCount

    let slot: UInt32
    let generation: UInt64
    /// Whether this process made it: the record opened under the data key in its slot then. One
    /// that was read may have been put back there.
    let isOurs: Bool

    /// A fence of a record that has opened.
    init(of opened: RecordVersion, generation: UInt64) {
        slot = opened.handle.number
        self.generation = generation
        isOurs = true
    }

    init(_ plaintext: RawSpan) throws(VaultError) {
        guard plaintext.byteCount == Self.byteCount else {
            throw VaultError(.recordDamaged, .store)
        }
        slot = plaintext.integer(at: 0)
        generation = plaintext.integer(at: 8)
        isOurs = false
    }

    func encoded() throws(VaultError) -> Secret {
        var plaintext = try Secret(zeroes: Self.byteCount)
        plaintext.store(slot, at: 0)
        plaintext.store(generation, at: 8)
        return plaintext
    }

    func names(_ header: SealedRecord.Header) -> Bool {
        header.slot == slot && header.generation == generation
    }

    func names(_ version: RecordVersion) -> Bool {
        version.handle.number == slot && version.generation == generation
    }

    /// Its key in `meta`.
    static func label(_ key: RecordKey) throws(VaultError) -> Secret {
        var label = try Secret("F")
        guard label.append(key.bytes) else { throw VaultError(.outOfMemory, .store) }
        return label
    }
}
