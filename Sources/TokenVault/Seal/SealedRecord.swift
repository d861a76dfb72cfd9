// SPDX-License-Identifier: Apache-2.0

/// A value of LMDB: 24 bytes of header, nonce, ciphertext, tag. `RecordFormat` draws the bytes.
enum SealedRecord {
    enum Kind: UInt8 {
        case connection = 1
        case application = 2
        case root = 3
        case flow = 4
        case event = 5
        case batch = 6
        case fence = 7
        case apiKey = 8
        case webhook = 9

        /// Whether it is an entry of `records`, with a data key of its own in a slot.
        var hasSlot: Bool {
            switch self {
            case .connection, .application, .apiKey, .webhook: true
            default: false
            }
        }

        /// Whether the plaintext is padded to one of the buckets.
        var isPadded: Bool { hasSlot || self == .flow }
    }

    struct Header {
        let kind: Kind
        let term: UInt32
        let slot: UInt32
        let generation: UInt64
    }

    static let headerBytes = 24
    static let nonceOffset = 24
    static let sealedOffset = 48
    static let overheadBytes = sealedOffset + Sodium.tagBytes
    /// The sizes of values: with 32-byte keys they fill LMDB's pages without a gap.
    static let buckets = [468, 978, 1998, 4080, 8176, 16368, 32752, 65520]
    /// The longest plaintext of a padded record, in bytes: one byte of padding at least.
    static let plaintextBytesMax = 65520 - overheadBytes - 1

    /// The bucket for a plaintext of `byteCount` bytes, not below `minimum` bytes of value.
    static func bucket(for byteCount: Int, minimum: Int) throws(VaultError) -> Int {
        for size in buckets where size >= minimum && size - overheadBytes > byteCount {
            return size
        }
        throw VaultError(.limitExceeded, .seal, number: plaintextBytesMax)
    }

    /// Parses the header of a value.
    ///
    /// - Throws: `recordDamaged` where it is of another version, algorithm or type: of a newer
    ///   format HEADER tells; `authenticationFailed` where it is too short.
    static func header(of value: RawSpan) throws(VaultError) -> Header {
        guard value.byteCount >= overheadBytes else {
            throw VaultError(.authenticationFailed, .seal, number: value.byteCount)
        }
        guard value.byte(at: 0) == 1, value.byte(at: 1) == 1,
            let kind = Kind(rawValue: value.byte(at: 2))
        else { throw VaultError(.recordDamaged, .seal, number: Int(value.byte(at: 0))) }
        return Header(
            kind: kind, term: value.integer(at: 4), slot: value.integer(at: 8),
            generation: value.integer(at: 16))
    }

    /// The tag, which stands for the whole value in the store MAC.
    @_lifetime(copy value)
    static func tag(of value: RawSpan) -> RawSpan {
        value.extracting(last: Sodium.tagBytes)
    }

    /// Seals `plaintext` into a value of `byteCount` bytes; the space beyond the plaintext is
    /// padding (0x80, then zeros), which kinds with a fixed layout do not have.
    static func seal(
        _ plaintext: RawSpan, header: Header, byteCount: Int, lmdbKey: RawSpan,
        vaultID: InlineArray<16, UInt8>, key: borrowing Secret, nonces: Nonces
    ) throws(VaultError) -> Secret {
        precondition(plaintext.byteCount + overheadBytes <= byteCount)
        var value = try Secret(zeroes: byteCount)
        value.store(UInt8(1), at: 0)
        value.store(UInt8(1), at: 1)
        value.store(header.kind.rawValue, at: 2)
        value.store(header.term, at: 4)
        value.store(header.slot, at: 8)
        value.store(header.generation, at: 16)
        let nonce = nonces.next()
        value.store(unsafe nonce.span.bytes, at: nonceOffset)
        value.store(plaintext, at: sealedOffset)
        if header.kind.isPadded {
            value.store(UInt8(0x80), at: sealedOffset + plaintext.byteCount)
        }
        let associated = try Associated(
            value.bytes.extracting(0..<headerBytes), lmdbKey: lmdbKey, vaultID: vaultID)
        var sealed = value.mutableBytes(sealedOffset..<byteCount)
        unsafe Sodium.seal(
            inPlace: &sealed, associated: associated.bytes, nonce: nonce.span.bytes, key: key)
        return value
    }

    /// Opens a value. The plaintext comes without its padding.
    ///
    /// - Throws: `authenticationFailed`; `recordDamaged` where the padding is wrong.
    static func open(
        _ value: RawSpan, lmdbKey: RawSpan, vaultID: InlineArray<16, UInt8>, key: borrowing Secret
    ) throws(VaultError) -> Secret {
        let header = try header(of: value)
        var plaintext = try Secret(zeroes: value.byteCount - overheadBytes)
        let associated = try Associated(
            value.extracting(0..<headerBytes), lmdbKey: lmdbKey, vaultID: vaultID)
        var output = plaintext.mutableBytes
        guard
            Sodium.open(
                value.extracting(sealedOffset..<value.byteCount), associated: associated.bytes,
                nonce: value.extracting(nonceOffset..<sealedOffset), key: key, into: &output)
        else { throw VaultError(.authenticationFailed, .seal) }
        guard header.kind.isPadded else { return plaintext }
        guard let count = unpaddedByteCount(plaintext.bytes) else {
            throw VaultError(.recordDamaged, .seal)
        }
        plaintext.shorten(to: count)
        return plaintext
    }

    /// How many bytes stand before the padding; nil where there is none. Not in constant time: how
    /// long the padding is, is no secret to whoever holds the key.
    private static func unpaddedByteCount(_ padded: RawSpan) -> Int? {
        var count = padded.byteCount
        // Half of a value may be padding: eight bytes at a time.
        while count >= 8, padded.integer(at: count - 8, as: UInt64.self) == 0 { count -= 8 }
        while count > 0, padded.byte(at: count - 1) == 0 { count -= 1 }
        guard count > 0, padded.byte(at: count - 1) == 0x80 else { return nil }
        return count - 1
    }

    /// "tkv1recd" ‖ vault id ‖ LMDB key ‖ header: nothing secret, so it lies on the stack.
    private struct Associated {
        private var stored = InlineArray<112, UInt8>(repeating: 0)
        private let byteCount: Int

        init(
            _ header: RawSpan, lmdbKey: RawSpan, vaultID: InlineArray<16, UInt8>
        ) throws(VaultError) {
            byteCount = 24 + lmdbKey.byteCount + headerBytes
            // No key of ours is as long; one that is was not written by us.
            guard byteCount <= stored.count else {
                throw VaultError(.authenticationFailed, .seal, number: lmdbKey.byteCount)
            }
            let label: StaticString = "tkv1recd"
            var elements = stored.mutableSpan
            var output = unsafe elements.mutableBytes
            output.store(unsafe RawSpan(_unsafeStart: label.utf8Start, byteCount: 8), at: 0)
            output.store(unsafe vaultID.span.bytes, at: 8)
            output.store(lmdbKey, at: 24)
            output.store(header, at: 24 + lmdbKey.byteCount)
        }

        var bytes: RawSpan {
            @_lifetime(borrow self)
            borrowing get {
                let elements = stored.span
                let span = unsafe elements.bytes.extracting(0..<byteCount)
                return unsafe _overrideLifetime(span, borrowing: self)
            }
        }
    }
}
