// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// HEADER's pages: what is written is read, and every change is noticed.
@Suite struct HeaderTests {
    func header(_ derivation: KeyDerivation? = nil) throws -> Header {
        let random = try Secret(random: 32)
        let term = Header.WrappedTerm(
            number: 7, nonce: InlineArray { UInt8($0) }, sealed: InlineArray { UInt8(255 - $0) })
        return Header(
            vaultID: InlineArray { UInt8($0 + 1) }, derivation: derivation,
            commitment: RecordKey(random.bytes), term: term)
    }

    @Test func readsWhatItWrote() throws {
        let wrapKey = try Secret(random: 32)
        let derivation = KeyDerivation(
            operations: 3, memoryBytes: 1 << 28, salt: InlineArray { UInt8($0) })
        for derivation in [nil, derivation] {
            var written = try header(derivation)
            written.pageNumber = 12
            let page = try written.page(wrapKey: wrapKey)
            check(page.count == 4096)
            let read = try Header(page: page.bytes)
            check(read.pageNumber == 12)
            check(read.currentTerm == 7)
            check(read.terms.map(\.number) == [7])
            check(read.commitment == written.commitment)
            check((read.derivation == nil) == (derivation == nil))
            check(read.derivation?.memoryBytes == derivation?.memoryBytes)
            check(Header.macHolds(page: page.bytes, wrapKey: wrapKey))
            let again = try read.page(wrapKey: wrapKey)
            check(again.exposed == page.exposed)
            let other = try Secret(random: 32)
            check(!Header.macHolds(page: page.bytes, wrapKey: other))
        }
    }

    @Test func everyByteCounts() throws {
        let wrapKey = try Secret(random: 32)
        let whole = try header().page(wrapKey: wrapKey)
        for offset in 0..<Header.pageBytes {
            let page = try whole.with(whole.bytes.byte(at: offset) ^ 0x10, at: offset)
            check(refusal { _ = try Header(page: page.bytes) } == .headerDamaged, "\(offset)")
        }
    }

    func fit(_ page: borrowing Secret) throws -> Secret {
        let sum = RecordKey(hashing: page.bytes.extracting(0..<4064))
        var fitting = try page.copy()
        fitting.store(sum.bytes, at: 4064)
        return fitting
    }

    @Test func aPageWhoseSumWasMadeToFit() throws {
        let wrapKey = try Secret(random: 32)
        let whole = try header().page(wrapKey: wrapKey)
        func parsed(_ offset: Int, _ byte: UInt8) throws -> (code: VaultError.Code?, holds: Bool) {
            let page = try fit(whole.with(byte, at: offset))
            let code = refusal { _ = try Header(page: page.bytes) }
            return (code, Header.macHolds(page: page.bytes, wrapKey: wrapKey))
        }
        check(try parsed(10, 2).code == .unsupportedFormat)
        // Only the format says that it is a newer version's.
        check(try parsed(40, 2).code == .headerDamaged)
        check(try parsed(0, 0).code == .headerDamaged)
        for count: UInt8 in [0, 3, 255] { check(try parsed(116, count).code == .headerDamaged) }
        // The rest is the MAC's to find.
        for offset in [8, 16, 24, 48, 80, 112, 120, 128, 160, 2000, 4031] {
            let (code, holds) = try parsed(offset, whole.bytes.byte(at: offset) ^ 1)
            check(code == nil, "\(offset)")
            check(!holds, "\(offset)")
        }
    }

    func pageNumber(_ home: TestVault) throws -> UInt64 {
        let page = try Header.readPage(home.path)
        return try Header(page: page.bytes).pageNumber
    }

    @Test func theHigherIntactPageHolds() throws {
        let home = try TestVault()
        try home.create()
        let pages = try home.bytes("HEADER")
        check(try pageNumber(home) == 2)
        try home.overwrite("HEADER", at: 4096 + 500, [1])
        check(try pageNumber(home) == 1)
        try home.overwrite("HEADER", at: 0, Array(pages[4096...]))
        check(try pageNumber(home) == 2)
        // Which of them this version can read is no matter.
        var newer = try Secret(zeroes: 4096)
        for offset in 0..<4096 { newer.store(pages[4096 + offset], at: offset) }
        newer = try fit(newer.with(2, at: 10))
        try home.overwrite("HEADER", at: 4096, (0..<4096).map { newer.bytes.byte(at: $0) })
        try home.overwrite("HEADER", at: 0, Array(pages[..<4096]))
        check(refusal { _ = try pageNumber(home) } == .unsupportedFormat)
        try home.overwrite("HEADER", at: 4096, Array(pages[4096...]))
        try home.overwrite("HEADER", at: 0, [0])
        try home.overwrite("HEADER", at: 4096, [0])
        check(refusal { _ = try Header.readPage(home.path) } == .headerDamaged)
    }
}
