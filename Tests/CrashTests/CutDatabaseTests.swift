// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// A database that is shorter than its first pages say, or whose first pages lead beyond it: LMDB
/// would be ended by the kernel (SIGBUS), so it is not let at it.
@Suite struct CutDatabaseTests {
    /// The file as it is, and the page that tells which state counts.
    private struct Whole {
        let bytes: [UInt8]
        let newest: Int
        let lastPage: Int

        init(_ exhibit: Exhibit) throws {
            let bytes = try exhibit.tampering.database()
            func number(_ page: Int, _ offset: Int) -> Int {
                Int(unsafe bytes.span.bytes.integer(at: page * 4096 + offset, as: UInt64.self))
            }
            self.bytes = bytes
            newest = number(1, 144) > number(0, 144) ? 1 : 0
            lastPage = number(newest, 136)
        }
    }

    private static let file = "db/data.mdb"

    private func set(
        _ exhibit: Exhibit, _ page: Int, _ offset: Int, _ number: UInt64, byteCount: Int = 8
    ) throws {
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        try exhibit.home.overwrite(Self.file, at: page * 4096 + offset, bytes)
    }

    private func audit(_ exhibit: Exhibit) throws -> SalvageReport {
        try Vault.audit(exhibit.home.path, rootKey: .file(exhibit.home.keyFile))
    }

    @Test func whereverItIsCutItIsDamaged() async throws {
        let exhibit = try await Exhibit()
        let whole = try Whole(exhibit)
        #expect(whole.lastPage > 8)
        let path = "\(exhibit.home.path)/\(Self.file)"
        for pages in 0...whole.lastPage {
            for byteCount in [pages * 4096, pages * 4096 + 1000] {
                Files.cut(path, byteCount)
                let cut = try exhibit.tampering.database()
                // What is left can be read, and nothing was written.
                var isWhole = false
                let found = await code { isWhole = try audit(exhibit).isWhole }
                #expect(found == nil || found == .databaseDamaged, "\(byteCount)")
                // The last pages may be such that were freed.
                #expect(!isWhole || pages > 4, "\(byteCount)")
                if !isWhole {
                    #expect(await exhibit.verdict() == .databaseDamaged, "\(byteCount)")
                    #expect(try exhibit.tampering.database() == cut, "\(byteCount)")
                } else {
                    #expect(try await exhibit.findings().readable == Exhibit.ids)
                }
                try exhibit.tampering.replaceDatabase(whole.bytes)
            }
        }
        // Nothing that is in use lies beyond.
        Files.cut(path, (whole.lastPage + 1) * 4096)
        #expect(try await exhibit.findings().readable == Exhibit.ids)
    }

    @Test func whatIsLeftOfItIsSaved() async throws {
        let exhibit = try await Exhibit()
        let whole = try Whole(exhibit)
        var pages = whole.lastPage
        repeat {
            Files.cut("\(exhibit.home.path)/\(Self.file)", pages * 4096)
            pages -= 1
        } while try audit(exhibit).isWhole
        let path = "\(exhibit.home.path)-new"
        let report = try Vault.salvage(
            exhibit.home.path, into: path, rootKey: .file(exhibit.home.keyFile))
        #expect(!report.isWhole && report.damagedPages > 0)
        let saved = try Vault.open(at: path, rootKey: .file(exhibit.home.keyFile))
        defer { saved.close() }
        #expect(try saved.list().count == report.connections)
    }

    /// A page that one transaction took and gave back is counted, and never written.
    @Test func aFileThatEndsBeforeAPageThatNobodyUsesIsWhole() async throws {
        let exhibit = try await Exhibit()
        let whole = try Whole(exhibit)
        Files.cut("\(exhibit.home.path)/\(Self.file)", (whole.lastPage + 1) * 4096)
        try set(exhibit, whole.newest, 136, UInt64(whole.lastPage + 3))
        #expect(try await exhibit.findings().readable == Exhibit.ids)
        try await exhibit.change { try await Exhibit.put($0, "eve", "late") }
        #expect(await exhibit.verdict() == nil)
        // As many were never taken by one.
        let later = try Whole(exhibit)
        Files.cut("\(exhibit.home.path)/\(Self.file)", (later.lastPage + 1) * 4096)
        try set(exhibit, later.newest, 136, UInt64(later.lastPage + 140_000))
        #expect(await exhibit.verdict() == .databaseDamaged)
    }

    @Test func firstPagesThatLeadBeyondItAreDamage() async throws {
        let exhibit = try await Exhibit()
        let whole = try Whole(exhibit)
        let last = UInt64(whole.lastPage)
        // The list of free pages and the names of the databases; the last page; the transaction.
        for (offset, numbers) in [
            (80, [last + 1, 1 << 40, .max - 1, 1, 0]), (128, [last + 1, 1 << 40, .max - 1, 1]),
            (136, [1 << 40, .max, .max - 1, 1, 0]), (144, [1 << 40, 1 << 40 + 1]),
        ] as [(Int, [UInt64])] {
            for number in numbers where offset != 144 || number % 2 != UInt64(whole.newest) {
                try set(exhibit, whole.newest, offset, number)
                #expect(await exhibit.verdict() == .databaseDamaged, "\(offset): \(number)")
                try exhibit.tampering.replaceDatabase(whole.bytes)
            }
        }
        // Of what the older one says only that is asked by which the newer one is found.
        try set(exhibit, 1 - whole.newest, 128, 1 << 40)
        #expect(await exhibit.verdict() == nil)
        try exhibit.tampering.replaceDatabase(whole.bytes)
        for page in 0..<2 {
            for size: UInt64 in [0, 512, 8192, 65_536, 1 << 31]
            where page == 0 || page == whole.newest {
                try set(exhibit, page, 40, size, byteCount: 4)
                #expect(await exhibit.verdict() == .databaseDamaged, "\(page): \(size)")
                try exhibit.tampering.replaceDatabase(whole.bytes)
            }
            for offset in [16, 20] {
                try set(exhibit, page, offset, 7, byteCount: 1)
                #expect(await exhibit.verdict() == .databaseDamaged, "\(page): \(offset)")
                try exhibit.tampering.replaceDatabase(whole.bytes)
            }
        }
        #expect(await exhibit.verdict() == nil)
    }

    /// The roots of the four databases lie in a page below; LMDB finds these out itself.
    @Test func aDatabaseThatBeginsBeyondTheFileIsDamage() async throws {
        let exhibit = try await Exhibit()
        let whole = try Whole(exhibit)
        for name in ["records", "meta", "flows", "events"] {
            let bytes = whole.bytes
            let label = Array(name.utf8)
            for start in bytes.indices.dropLast(label.count + 48)
            where bytes[start..<start + label.count].elementsEqual(label) {
                let root = start + label.count + 40
                try set(exhibit, 0, root, 1 << 40)
            }
            let verdict = await exhibit.verdict()
            #expect(
                name == "events" || verdict == .integrityFailed,
                "\(name): \(String(describing: verdict))")
            try exhibit.tampering.replaceDatabase(whole.bytes)
        }
        #expect(await exhibit.verdict() == nil)
    }
}
