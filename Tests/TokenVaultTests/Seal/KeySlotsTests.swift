// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// The erasable file: keys go in, come out for their owner alone, and are gone when erased.
@Suite struct KeySlotsTests {
    let home: TestVault
    let keyring: Keyring

    init() throws {
        home = try TestVault()
        try FileManager.default.createDirectory(
            atPath: home.path, withIntermediateDirectories: true)
        keyring = try Keyring.create(home.path, rootKey: .key(Secret(random: 32)))
        try KeySlots.create(home.path)
    }

    func open() throws -> KeySlots {
        let slots = try KeySlots(home.path, keyring: keyring)
        try slots.findFree(lives: 10_000)
        return slots
    }

    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    /// Takes a slot and fills it; returns it and the data key.
    func fill(_ slots: KeySlots, _ key: RecordKey) throws -> (slot: UInt32, dataKey: String) {
        let dataKey = try Secret(random: 32)
        let slot = try slots.take()
        try slots.write(dataKey, to: slot, for: key, generation: 9)
        return (slot, dataKey.exposed)
    }

    /// When the life of what is in a slot began; nil where nothing opens.
    func life(_ slots: KeySlots, _ slot: UInt32) throws -> UInt64? {
        guard case .life(let entry) = try slots.content(slot) else { return nil }
        return entry.generation
    }

    @Test func givesAKeyBackToItsOwnerAlone() throws {
        let slots = try open()
        let (mine, yours) = (try key(1), try key(2))
        let (slot, dataKey) = try fill(slots, mine)
        try slots.sync()
        let again = try open()
        check(try again.dataKey(slot, for: mine).exposed == dataKey)
        check(refusal { _ = try again.dataKey(slot, for: yours) } == .authenticationFailed)
        check(refusal { _ = try again.dataKey(slot + 1, for: mine) } == .authenticationFailed)
        check(refusal { _ = try again.dataKey(1024, for: mine) } == .authenticationFailed)
        check(refusal { _ = try again.dataKey(.max, for: mine) } == .authenticationFailed)
        check(again.entry(slot)?.generation == 9)
        check(again.entry(slot)?.key == mine)
        check(again.entry(slot + 1) == nil)
        check(again.entry(.max) == nil)
    }

    @Test func aSlotElsewhereDoesNotOpen() throws {
        let slots = try open()
        let mine = try key(1)
        let (slot, _) = try fill(slots, mine)
        let bytes = try home.bytes("SLOTS")
        let at = Int(slot) * KeySlots.slotBytes
        try home.overwrite("SLOTS", at: at + 128, Array(bytes[at..<at + 128]))
        check(refusal { _ = try slots.dataKey(slot + 1, for: mine) } == .authenticationFailed)
        // Nor under another vault's keys.
        let other = try KeySlotsTests()
        let foreign = try KeySlots(home.path, keyring: other.keyring)
        check(refusal { _ = try foreign.dataKey(slot, for: mine) } == .authenticationFailed)
    }

    @Test func erasedIsZero() throws {
        let slots = try open()
        let mine = try key(1)
        let (slot, _) = try fill(slots, mine)
        check(!slots.isFree(slot))
        try slots.erase([slot])
        check(slots.isFree(slot))
        check(refusal { _ = try slots.dataKey(slot, for: mine) } == .authenticationFailed)
        let bytes = try home.bytes("SLOTS")
        check(bytes.allSatisfy { $0 == 0 })
    }

    @Test func erasesTheseAndNoOther() throws {
        let slots = try open()
        for _ in 0..<KeySlots.slotCountInitial { _ = try fill(slots, try key(1)) }
        var random = SystemRandomNumberGenerator()
        // Alone, two together, a page of them and more, from any place on.
        var left = Set(0..<UInt32(KeySlots.slotCountInitial))
        for length: UInt32 in [1, 2, 31, 32, 33, 70, 2, 1, 1] {
            let first = UInt32.random(in: 0..<UInt32(KeySlots.slotCountInitial) - length)
            let chosen = Array(first..<first + length).shuffled(using: &random)
            let others = (0..<3).map { _ in UInt32.random(in: 0..<1024) }
            // And with gaps of one.
            let start = UInt32.random(in: 0..<1000)
            let apart = (0..<10).map { start + 2 * $0 }
            try slots.erase(chosen + others + apart + chosen.prefix(2))
            left.subtract(chosen + others + apart)
            let filled = Set(slots.filled(besides: []))
            check(filled == left, "\(chosen), \(others)")
        }
        check(try life(slots, left.min() ?? 0) == 9)
    }

    @Test func handsOutNoSlotTwiceAndGrows() throws {
        let slots = try open()
        let mine = try key(1)
        let (first, _) = try fill(slots, mine)
        let reopened = try open()
        var taken: Set<UInt32> = [first]
        for _ in 0..<3000 {
            let slot = try reopened.take()
            check(taken.insert(slot).inserted, "slot \(slot) twice")
            check(reopened.isFree(slot))
        }
        check(reopened.slotCount == 4096)
        check(try home.bytes("SLOTS").count == 4096 * 128)
        reopened.give(2000)
        check(try reopened.take() == 2000)
    }

    @Test func tellsWhichAreFilledAndWhichOfThemOpen() throws {
        let slots = try open()
        let (named, _) = try fill(slots, try key(1))
        let (other, _) = try fill(slots, try key(2))
        check(slots.filled(besides: [named]) == [other])
        check(try life(slots, other) == 9)
        let bytes = try home.bytes("SLOTS")
        let at = Int(other) * KeySlots.slotBytes
        for byte in 0..<120 {
            try home.overwrite("SLOTS", at: at + byte, [bytes[at + byte] ^ 1])
            check(try life(slots, other) == nil, "byte \(byte)")
            // Whatever has the form of a slot was not left by an erasure.
            check(try slots.content(other).isNothing == (byte < 3), "byte \(byte)")
            try home.overwrite("SLOTS", at: at + byte, [bytes[at + byte]])
        }
        check(try life(slots, other) == 9)
        for noise: [UInt8] in [[1, 1, 1, 0], [7, 7, 7, 7]] {
            let random = noise + [UInt8](repeating: 9, count: 124)
            try home.overwrite("SLOTS", at: at, random)
            check(try slots.content(other).isNothing)
        }
        check(try slots.content(other + 1).isNothing)
        check(try slots.content(.max).isNothing)
    }

    @Test func whatIsWithheldIsTakenWhenItIsGivenAndNotBefore() throws {
        let slots = try open()
        let first = try slots.take()
        slots.give(first)
        slots.withhold([first])
        let others = try (0..<2000).map { _ in try slots.take() }
        check(!others.contains(first))
        slots.give(first)
        check(try slots.take() == first)
    }

    @Test func isNotReadWhereItIsLongerThanTheLivesThereWere() throws {
        _ = unsafe truncate("\(home.path)/SLOTS", 1 << 30)
        let slots = try KeySlots(home.path, keyring: keyring)
        check(refusal { try slots.findFree(lives: 4_194_303) } == .integrityFailed)
        _ = unsafe truncate("\(home.path)/SLOTS", 4096 * KeySlots.slotBytes)
        let shorter = try KeySlots(home.path, keyring: keyring)
        check(refusal { try shorter.findFree(lives: 2047) } == .integrityFailed)
        try shorter.findFree(lives: 2048)
        check(try shorter.take() == 0)
    }

    @Test func overwritesNothingBeyondItsEnd() throws {
        let slots = try open()
        let (slot, _) = try fill(slots, try key(1))
        for number in [1024, 0xFFFF_FF00, UInt32.max] {
            check(refusal { try slots.erase([slot, number]) } == .integrityFailed)
            check(!slots.isFree(number))
        }
        check(try home.bytes("SLOTS").count == 1024 * KeySlots.slotBytes)
        check(try life(slots, slot) == 9)
    }

    @Test func refusesAFileOfAnotherSize() throws {
        for byteCount in [0, 1, 128, 4095, 4096 * 32 + 128] {
            _ = unsafe truncate("\(home.path)/SLOTS", byteCount)
            check(refusal { _ = try open() } == .integrityFailed, "\(byteCount)")
        }
        _ = unsafe truncate("\(home.path)/SLOTS", 4096)
        check(try open().slotCount == 32)
    }
}
