// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

@testable import TokenVault

/// What is done to the files of a closed vault, and whom it costs.
enum Damage: String, CaseIterable, Sendable {
    case none
    // Records.
    case flippedCiphertext, flippedTag, flippedGeneration, flippedNonce, flippedVersion
    case flippedLargeRecord, movedRecord, swappedRecords, replayedRecord, deletedRecord
    case resurrectedRecord, foreignEntry, shortEntry
    // Slots.
    case flippedSlot, swappedSlots, zeroedSlot, randomSlot, slotsCutInTheMiddle, longSlots
    // What stands beside the records.
    case missingRoot, alteredRoot, replayedRoot, foreignFence, droppedDatabase
    // HEADER and LOCK.
    case damagedHeaderPage, forgedHeaderPage, halfAHeader, missingLock, openDirectory
    // Pages of the database.
    case zeroedLeaf, randomLeaf, leafOfAnotherPage, oneNodeOutOfBounds, cutDatabase
    case damagedNewestMeta, branchIntoItself

    /// Does it, and says whose records are lost; nil where that depends on how LMDB filled its
    /// pages.
    func inflict(on wreck: Wreck) throws -> Set<String>? {
        let (ann, bob) = (Wreck.small[3], Wreck.small[17])
        switch self {
        case .none: return []
        case .flippedCiphertext: return try flip(wreck, ann, 100)
        case .flippedTag: return try flip(wreck, ann, (wreck.records[ann]?.count ?? 1) - 1)
        case .flippedGeneration: return try flip(wreck, bob, 16)
        case .flippedNonce: return try flip(wreck, bob, 30)
        case .flippedVersion: return try flip(wreck, bob, 0)
        case .flippedLargeRecord: return try flip(wreck, "largest", 12_000)
        case .movedRecord:
            let key = [UInt8](repeating: 7, count: 32)
            try wreck.edit(
                .records, [(key, wreck.records[ann]), (wreck.keys[ann] ?? [], nil)])
            return [ann]
        case .swappedRecords:
            try wreck.edit(
                .records,
                [
                    (wreck.keys[ann] ?? [], wreck.records[bob]),
                    (wreck.keys[bob] ?? [], wreck.records[ann]),
                ])
            return [ann, bob]
        case .replayedRecord:
            try wreck.edit(
                .records, [(wreck.keys[Wreck.renewed] ?? [], wreck.earlier.record)])
            return []
        case .deletedRecord:
            try wreck.edit(.records, [(wreck.keys["large 1"] ?? [], nil)])
            return ["large 1"]
        case .resurrectedRecord:
            try wreck.edit(.records, [(wreck.goneKey, wreck.gone)])
            return []
        case .foreignEntry:
            try wreck.edit(.records, [([1], wreck.records[ann])])
            return []
        case .shortEntry:
            try wreck.edit(.records, [(wreck.keys[ann] ?? [], [1, 1, 1])])
            return [ann]
        default: return try inflictElsewhere(on: wreck, ann, bob)
        }
    }

    private func flip(_ wreck: Wreck, _ id: String, _ offset: Int) throws -> Set<String> {
        try wreck.flip(id, offset)
        return [id]
    }

    private func inflictElsewhere(
        on wreck: Wreck, _ ann: String, _ bob: String
    ) throws -> Set<String>? {
        let root = Array("ROOT".utf8)
        switch self {
        case .flippedSlot:
            var slot = try wreck.slot(ann)
            slot[80] ^= 4
            try wreck.setSlot(ann, slot)
            return [ann]
        case .swappedSlots:
            let (first, second) = (try wreck.slot(ann), try wreck.slot(bob))
            try wreck.setSlot(ann, second)
            try wreck.setSlot(bob, first)
            return [ann, bob]
        case .zeroedSlot:
            try wreck.setSlot(bob, [UInt8](repeating: 0, count: 128))
            return [bob]
        case .randomSlot:
            try wreck.setSlot(bob, (0..<128).map { _ in .random(in: 0 ... .max) })
            return [bob]
        case .slotsCutInTheMiddle:
            let last = wreck.slots["large 1"] ?? 0
            wreck.cut("SLOTS", last * 128 + 50)
            return Set(wreck.slots.filter { $0.value >= last && $0.key != "gone" }.keys)
        case .longSlots:
            wreck.cut("SLOTS", 1 << 22)
            return []
        case .missingRoot:
            try wreck.edit(.meta, [(root, nil)])
            return []
        case .alteredRoot:
            var altered = wreck.earlier.root
            altered[60] ^= 1
            try wreck.edit(.meta, [(root, altered)])
            return []
        case .replayedRoot:
            try wreck.edit(.meta, [(root, wreck.earlier.root)])
            return []
        case .foreignFence:
            try wreck.edit(.meta, [([Fence.letter] + (wreck.keys[ann] ?? []), wreck.earlier.root)])
            return []
        case .openDirectory:
            _ = unsafe chmod(wreck.home.path, 0o755)
            return []
        case .missingLock:
            _ = unsafe unlink("\(wreck.home.path)/LOCK")
            return []
        case .damagedHeaderPage:
            try wreck.home.flip("HEADER", at: 4096 + 300)
            return []
        case .forgedHeaderPage:
            var page = Array(try wreck.home.bytes("HEADER")[4096...])
            page[170] ^= 1
            let sum = unsafe RecordKey(hashing: page.span.bytes.extracting(0..<4064))
            try wreck.home.overwrite("HEADER", at: 4096, page)
            try wreck.home.overwrite("HEADER", at: 8160, (0..<32).map { sum.bytes.byte(at: $0) })
            return []
        case .halfAHeader:
            wreck.cut("HEADER", 4096)
            return []
        default: return try inflictOnPages(of: wreck, ann)
        }
    }

    private func inflictOnPages(of wreck: Wreck, _ ann: String) throws -> Set<String>? {
        let leaves = try wreck.leaves(of: ann)
        let pages = leaves.map { $0 * LMDB.pageBytes }
        func set(_ offset: Int, _ bytes: [UInt8]) throws {
            try wreck.home.overwrite(Wreck.database, at: offset, bytes)
        }
        switch self {
        case .zeroedLeaf:
            for page in pages { try set(page, [UInt8](repeating: 0, count: LMDB.pageBytes)) }
        case .randomLeaf:
            for page in pages {
                try set(page, (0..<LMDB.pageBytes).map { _ in .random(in: 0 ... .max) })
            }
        case .leafOfAnotherPage:
            // LMDB does not look at it.
            for leaf in leaves { try set(leaf * LMDB.pageBytes, [UInt8(leaf & 255) ^ 1]) }
            return []
        case .oneNodeOutOfBounds: for page in pages { try set(page + 16, [0xf0, 0xff]) }
        case .branchIntoItself:
            let database = try wreck.home.bytes(Wreck.database)
            // A branch is found by its flags; each of its children becomes itself.
            for start in stride(from: 2 * LMDB.pageBytes, to: database.count, by: LMDB.pageBytes)
            where database[start + 10] == 1 && database[start + 11] == 0 {
                let span = unsafe database.span.bytes
                for pointer in stride(
                    from: 16, to: Int(span.integer(at: start + 12, as: UInt16.self)), by: 2)
                {
                    let node = start + Int(span.integer(at: start + pointer, as: UInt16.self))
                    try set(node, Array(database[start..<start + 4]))
                }
            }
        case .cutDatabase: wreck.cut(Wreck.database, pages.max() ?? 0)
        case .damagedNewestMeta: try set(try wreck.newestMeta() * LMDB.pageBytes + 16, [0])
        case .droppedDatabase:
            // The name under which the log is found, in every copy.
            let bytes = try wreck.home.bytes(Wreck.database)
            for start in bytes.indices.dropLast(6)
            where bytes[start..<start + 6].elementsEqual("events".utf8) { try set(start, [0]) }
            return []
        default: break
        }
        return nil
    }
}
