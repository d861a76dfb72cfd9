// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// A sealed value opens for its key, its place and its version, and for nothing else.
@Suite struct SealedRecordTests {
    let nonces = Nonces()
    let vaultID = InlineArray<16, UInt8>(repeating: 3)
    let header = SealedRecord.Header(kind: .connection, term: 1, slot: 5, generation: 77)

    func seal(
        _ text: String, _ key: borrowing Secret, name: String = "name", byteCount: Int? = nil
    ) throws -> Secret {
        let plaintext = try text.secret()
        let label = try name.secret()
        return try SealedRecord.seal(
            plaintext.bytes, header: header,
            byteCount: byteCount ?? SealedRecord.bucket(for: plaintext.count, minimum: 0),
            lmdbKey: label.bytes, vaultID: vaultID, key: key, nonces: nonces)
    }

    func open(
        _ value: borrowing Secret, _ key: borrowing Secret, name: String = "name",
        vault: InlineArray<16, UInt8>? = nil
    ) throws -> String {
        let label = try name.secret()
        return try SealedRecord.open(
            value.bytes, lmdbKey: label.bytes, vaultID: vault ?? vaultID, key: key
        ).exposed
    }

    @Test func opensWhatItSealed() throws {
        let key = try Secret(random: 32)
        for text in ["", "x", "ends in a zero\0", "ends in 0x80\u{80}\0\0"] {
            let ascii = String(text.unicodeScalars.filter(\.isASCII))
            let value = try seal(ascii, key)
            check(value.count == 468)
            check(try open(value, key) == ascii)
            let parsed = try SealedRecord.header(of: value.bytes)
            check(parsed.slot == 5)
            check(parsed.generation == 77)
            check(parsed.term == 1)
        }
        // Twice the same is not twice the same.
        let (one, two) = (try seal("same", key).exposed, try seal("same", key).exposed)
        check(one != two)
    }

    @Test func bucketsFillThePagesOfLMDB() throws {
        check(SealedRecord.buckets == [468, 978, 1998, 4080, 8176, 16368, 32752, 65520])
        for size in SealedRecord.buckets {
            let most = size - SealedRecord.overheadBytes - 1
            check(try SealedRecord.bucket(for: most, minimum: 0) == size)
            check(try SealedRecord.bucket(for: 0, minimum: size) == size)
            let next = refusal { _ = try SealedRecord.bucket(for: most + 1, minimum: 0) }
            check((next == .limitExceeded) == (size == 65520))
            let key = try Secret(random: 32)
            let text = String(repeating: "y", count: most)
            let value = try seal(text, key)
            check(value.count == size)
            check(try open(value, key) == text)
        }
        check(SealedRecord.plaintextBytesMax == 65455)
        // A record never becomes smaller, whatever it holds.
        check(try SealedRecord.bucket(for: 10, minimum: 1998) == 1998)
        check(try SealedRecord.bucket(for: 10, minimum: 1999) == 4080)
    }

    @Test func isBoundToEverythingAroundIt() throws {
        let key = try Secret(random: 32)
        let other = try Secret(random: 32)
        let value = try seal("secret", key)
        check(refusal { _ = try open(value, other) } == .authenticationFailed)
        check(refusal { _ = try open(value, key, name: "nama") } == .authenticationFailed)
        check(refusal { _ = try open(value, key, name: "nam") } == .authenticationFailed)
        let elsewhere = InlineArray<16, UInt8> { UInt8($0) }
        check(refusal { _ = try open(value, key, vault: elsewhere) } == .authenticationFailed)
        // Version, algorithm and type are told apart; term, slot and generation are bound.
        for offset in 0..<value.count {
            let bent = try value.with(value.bytes.byte(at: offset) ^ 1, at: offset)
            let code = refusal { _ = try open(bent, key) }
            let isFormat = offset < 3 && code == .recordDamaged
            check(isFormat || code == .authenticationFailed, "offset \(offset)")
        }
        check(try open(value, key) == "secret")
    }

    @Test func anotherTypeIsRefused() throws {
        let key = try Secret(random: 32)
        let value = try seal("secret", key)
        for kind: UInt8 in 0...255 where kind != SealedRecord.Kind.connection.rawValue {
            let bent = try value.with(kind, at: 2)
            let expected: VaultError.Code =
                SealedRecord.Kind(rawValue: kind) == nil
                ? .recordDamaged : .authenticationFailed
            check(refusal { _ = try open(bent, key) } == expected, "type \(kind)")
        }
    }

    @Test func anotherLengthIsRefused() throws {
        let key = try Secret(random: 32)
        let value = try seal("secret", key)
        for count in [0, 1, 63, 64, 467, 469, 978] {
            let other = try value.cut(to: count)
            check(refusal { _ = try open(other, key) } == .authenticationFailed, "\(count)")
        }
    }

    @Test func aTypeWithoutPaddingKeepsItsZeros() throws {
        let key = try Secret(random: 32)
        let zeros = try Secret(zeroes: 404)
        let label = try "name".secret()
        let root = SealedRecord.Header(kind: .root, term: 1, slot: 5, generation: 77)
        let value = try SealedRecord.seal(
            zeros.bytes, header: root, byteCount: 468, lmdbKey: label.bytes, vaultID: vaultID,
            key: key, nonces: nonces)
        check(try open(value, key).utf8.count == 404)
    }
}
