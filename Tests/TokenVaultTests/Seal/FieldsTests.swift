// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The plaintext of records: what is written is read, what is unknown survives.
@Suite struct FieldsTests {
    /// A field as it lies in a plaintext.
    func field(_ tag: UInt16, _ value: [UInt8], count: UInt32? = nil) -> [UInt8] {
        let length = count ?? UInt32(value.count)
        return [UInt8(tag & 255), UInt8(tag >> 8)]
            + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + value
    }

    func parse(_ bytes: [UInt8]) throws(VaultError) -> Fields {
        try Fields(bytes.lend { (span) throws(VaultError) in try Secret(copying: span) })
    }

    func bytes(_ fields: borrowing Fields) -> [UInt8] {
        (0..<fields.bytes.byteCount).map { fields.bytes.byte(at: $0) }
    }

    @Test func givesBackWhatItWasGiven() throws {
        var fields = try Fields()
        try fields.set(9, integer: UInt64.max)
        try fields.set(2, text: "grüße")
        try fields.set(5, time: UnixTime(milliseconds: -7))
        let secret = try Secret(text: "token")
        try fields.set(3, secret.bytes)
        try fields.set(4, texts: ["a", "", "c"])
        try fields.set(6, pairs: [("name", "value"), ("", "")])
        let again = try parse(bytes(fields))
        check(again.integer(9, as: UInt64.self) == .max)
        check(again.text(2) == "grüße")
        check(again.time(5) == UnixTime(milliseconds: -7))
        switch try again.secret(3) {
        case .none: Issue.record("there is no token")
        case .some(let token): check(token.exposed == "token")
        }
        check(again.texts(4) == ["a", "", "c"])
        let pairs = again.ranges(6).map { again.pair($0) }
        check(pairs.map(\.?.name) == ["name", ""] && pairs.map(\.?.value) == ["value", ""])
        check(!again.has(1))
        check(again.has(4))
        check(again.text(1) == nil)
        // Of another width it is no integer.
        check(again.integer(9, as: UInt8.self) == nil)
        check(again.integer(2, as: UInt64.self) == nil)
    }

    @Test func keepsWhatItDoesNotKnow() throws {
        let unknown = field(7, [1, 2, 3]) + field(7, []) + field(1000, [9])
        var fields = try parse(field(2, [65]) + unknown)
        try fields.set(2, text: "longer")
        try fields.set(500, integer: UInt8(1))
        try fields.set(500, nil)
        try fields.set(1, text: "first")
        try fields.set(1, nil)
        check(bytes(fields) == field(2, Array("longer".utf8)) + unknown)
        try fields.set(7, texts: ["x", "y", "z"])
        check(fields.ranges(7).count == 3)
        try fields.set(7, text: nil)
        check(bytes(fields) == field(2, Array("longer".utf8)) + field(1000, [9]))
    }

    @Test func behavesAsADictionaryOfLists() throws {
        var random = SeededRandom(variable: "TOKENVAULT_SEED")
        var fields = try Fields()
        var model: [UInt16: [String]] = [:]
        let tags: [UInt16] = [0, 1, 2, 3, 16, 31, 43, 61, 62, 63, 64, 256]
        for step in 0..<3000 {
            let tag = tags[random.below(12)]
            let texts = (0..<random.below(4)).map { _ in
                String(repeating: "x", count: random.below(20))
            }
            try fields.set(tag, texts: texts)
            model[tag] = texts
            for tag in tags where fields.texts(tag) != model[tag] ?? [] {
                Issue.record("seed \(random.seed), step \(step), tag \(tag)")
            }
            if step % 100 == 0 { fields = try parse(bytes(fields)) }
        }
    }

    @Test func refusesDamagedForms() throws {
        let good = field(1, [1]) + field(1, []) + field(2, [2, 3])
        let most = (0..<Fields.countMax).flatMap { _ in field(1, []) }
        for bytes in [good, [], most] { check(refusal { _ = try parse(bytes) } == nil) }
        let damaged: [[UInt8]] = [
            field(2, [1]) + field(1, [1]), good + [0], good + [0, 0, 0, 0, 0],
            field(1, [1], count: 2), field(1, [], count: .max), field(1, [1, 2], count: 1),
            most + field(1, []),
        ]
        for (index, bytes) in damaged.enumerated() {
            let found = refusal { _ = try parse(bytes) }
            check(found == .recordDamaged, "\(index)")
        }
        for count in 1..<good.count where ![7, 13].contains(count) {
            check(refusal { _ = try parse(Array(good[..<count])) } == .recordDamaged)
        }
    }

    @Test func pairsThatAreCutShortAreNone() throws {
        let fields = try parse(
            field(1, [9]) + field(1, [2, 0, 65]) + field(1, [1, 0, 65, 66]) + field(1, [0, 0])
                + field(1, [1, 0, 0xff]))
        let pairs = fields.ranges(1).map { fields.pair($0) }
        check(pairs.map(\.?.name) == [nil, nil, "A", "", nil])
        check(pairs.map(\.?.value) == [nil, nil, "B", "", nil])
    }

    @Test func hasALimit() throws {
        var fields = try Fields()
        let most = SealedRecord.plaintextBytesMax - Fields.headBytes
        try fields.set(1, text: String(repeating: "x", count: most))
        check(refusal { try fields.set(2, text: "") } == .limitExceeded)
        check(
            refusal { try fields.set(1, text: String(repeating: "x", count: most + 1)) }
                == .limitExceeded)
        check(fields.text(1)?.utf8.count == most)
    }
}
