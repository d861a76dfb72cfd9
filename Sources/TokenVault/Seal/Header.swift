// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file HEADER: two pages of 4,096 bytes, written alternately, that name the vault and hold the
/// wrapped keys of its terms. `RecordFormat` draws the bytes.
struct Header {
    static let fileName = "HEADER"
    static let pageBytes = 4096
    static let format: UInt16 = 1
    static let termsMax = 2

    var pageNumber: UInt64
    let vaultID: InlineArray<16, UInt8>
    var derivation: KeyDerivation?
    var commitment: RecordKey
    var currentTerm: UInt32
    var terms: [WrappedTerm]

    /// One term's five keys under the wrap key; 208 bytes that are no secret.
    struct WrappedTerm {
        static let byteCount = 256
        static let keysBytes = 5 * Sodium.keyBytes
        static let sealedBytes = keysBytes + Sodium.tagBytes

        let number: UInt32
        var nonce: InlineArray<24, UInt8>
        var sealed: InlineArray<176, UInt8>
    }

    private static let magic: StaticString = "TKVAULT1"
    private enum Offset {
        static let format = 8
        static let readerFormat = 10
        static let pageNumber = 16
        static let vaultID = 24
        static let derivation = 40
        static let operations = 48
        static let memoryBytes = 56
        static let salt = 64
        static let commitment = 80
        static let currentTerm = 112
        static let termCount = 116
        static let terms = 120
        static let mac = 4032
        static let sum = 4064
    }

    /// The page with its MAC and sum. The page holds nothing secret; a `Secret` is just its buffer.
    func page(wrapKey: borrowing Secret) throws(VaultError) -> Secret {
        var page = try Secret(zeroes: Self.pageBytes)
        page.store(unsafe RawSpan(_unsafeStart: Self.magic.utf8Start, byteCount: 8), at: 0)
        page.store(Self.format, at: Offset.format)
        page.store(Self.format, at: Offset.readerFormat)
        page.store(pageNumber, at: Offset.pageNumber)
        page.store(unsafe vaultID.span.bytes, at: Offset.vaultID)
        if let derivation {
            page.store(UInt8(1), at: Offset.derivation)
            page.store(derivation.operations, at: Offset.operations)
            page.store(derivation.memoryBytes, at: Offset.memoryBytes)
            page.store(unsafe derivation.salt.span.bytes, at: Offset.salt)
        }
        page.store(commitment.bytes, at: Offset.commitment)
        page.store(currentTerm, at: Offset.currentTerm)
        page.store(UInt32(terms.count), at: Offset.termCount)
        for (index, term) in terms.enumerated() {
            let start = Offset.terms + index * WrappedTerm.byteCount
            page.store(term.number, at: start)
            page.store(unsafe term.nonce.span.bytes, at: start + 8)
            page.store(unsafe term.sealed.span.bytes, at: start + 32)
        }
        let mac = RecordKey(hashing: page.bytes.extracting(0..<Offset.mac), key: wrapKey)
        page.store(mac.bytes, at: Offset.mac)
        let sum = RecordKey(hashing: page.bytes.extracting(0..<Offset.sum))
        page.store(sum.bytes, at: Offset.sum)
        return page
    }

    /// Parses one page whose sum holds; the MAC is checked once the wrap key is known.
    ///
    /// - Throws: `headerDamaged`, `unsupportedFormat`.
    init(page: RawSpan) throws(VaultError) {
        guard let number = Self.number(ofIntact: page) else {
            throw VaultError(.headerDamaged, .seal)
        }
        let readerFormat: UInt16 = page.integer(at: Offset.readerFormat)
        guard readerFormat <= Self.format else {
            throw VaultError(.unsupportedFormat, .seal, number: Int(readerFormat))
        }
        let termCount: UInt32 = page.integer(at: Offset.termCount)
        guard (1...UInt32(Self.termsMax)).contains(termCount) else {
            throw VaultError(.headerDamaged, .seal)
        }
        pageNumber = number
        vaultID = InlineArray { index in page.byte(at: Offset.vaultID + index) }
        switch page.byte(at: Offset.derivation) {
        case 0: derivation = nil
        case 1:
            derivation = KeyDerivation(
                operations: page.integer(at: Offset.operations),
                memoryBytes: page.integer(at: Offset.memoryBytes),
                salt: InlineArray { index in page.byte(at: Offset.salt + index) })
        // With it a newer version would have asked for a reader that knows it.
        case let other: throw VaultError(.headerDamaged, .seal, number: Int(other))
        }
        commitment = RecordKey(page, at: Offset.commitment)
        currentTerm = page.integer(at: Offset.currentTerm)
        terms = (0..<Int(termCount)).map { index in
            let start = Offset.terms + index * WrappedTerm.byteCount
            return WrappedTerm(
                number: page.integer(at: start),
                nonce: InlineArray { page.byte(at: start + 8 + $0) },
                sealed: InlineArray { page.byte(at: start + 32 + $0) })
        }
    }

    init(
        vaultID: InlineArray<16, UInt8>, derivation: KeyDerivation?, commitment: RecordKey,
        term: WrappedTerm
    ) {
        pageNumber = 0
        self.vaultID = vaultID
        self.derivation = derivation
        self.commitment = commitment
        currentTerm = term.number
        terms = [term]
    }

    static func macHolds(page: RawSpan, wrapKey: borrowing Secret) -> Bool {
        let mac = RecordKey(hashing: page.extracting(0..<Offset.mac), key: wrapKey)
        return Sodium.isEqual(mac.bytes, page.extracting(Offset.mac..<Offset.sum))
    }

    /// The number of a page whose sum holds; nil of another.
    private static func number(ofIntact page: RawSpan) -> UInt64? {
        let sum = RecordKey(hashing: page.extracting(0..<Offset.sum))
        guard page.extracting(0..<8).equalsText(magic), sum == RecordKey(page, at: Offset.sum)
        else { return nil }
        return page.integer(at: Offset.pageNumber)
    }

    /// The page that holds: the intact one with the higher number. Whether this version can read it
    /// is not asked: the older page of a vault that a newer one wrote is no way back into it.
    static func readPage(_ directory: String) throws(VaultError) -> Secret {
        guard let index = try intactPages(directory).first,
            let page = try readPage(directory, index)
        else { throw VaultError(.headerDamaged, .seal) }
        return page
    }

    /// Which of the two pages are intact, the one with the higher number first.
    static func intactPages(_ directory: String) throws(VaultError) -> [Int] {
        var found: [(number: UInt64, index: Int)] = []
        for index in 0..<2 {
            guard let page = try readPage(directory, index),
                let number = number(ofIntact: page.bytes)
            else { continue }
            found.append((number, index))
        }
        return found.sorted { ($0.number, $0.index) > ($1.number, $1.index) }.map(\.index)
    }

    /// One of the two pages as it is; nil where the file ends before.
    static func readPage(_ directory: String, _ index: Int) throws(VaultError) -> Secret? {
        let file = try Descriptor("\(directory)/\(fileName)", flags: O_RDONLY, stage: .seal)
        var page = try Secret(zeroes: pageBytes)
        var span = page.mutableBytes
        guard try file.read(into: &span, at: index * pageBytes) else { return nil }
        return page
    }

    /// Writes a new vault's both pages and makes them durable.
    mutating func create(_ directory: String, wrapKey: borrowing Secret) throws(VaultError) {
        let file = try Descriptor(
            "\(directory)/\(Self.fileName)", flags: O_RDWR | O_CREAT | O_EXCL, stage: .seal)
        for index in 0..<2 {
            pageNumber += 1
            let page = try page(wrapKey: wrapKey)
            try file.write(page.bytes, at: index * Self.pageBytes)
        }
        try file.sync()
    }
}
