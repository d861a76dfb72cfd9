// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The pages of `data.mdb`, read without LMDB, which trusts what it maps: a damaged page may end
/// the process there. Here it costs the entries on it.
///
/// Nothing is written, no page is read twice, and nothing that is found is believed: whoever is
/// lent an entry opens it. The layout is that of LMDB 0.9 with pages of 4,096 bytes.
final class DatabasePages {
    /// Is lent every key and value.
    typealias Visitor = (RawSpan, RawSpan) throws(VaultError) -> Void

    /// How many of the pages from which every tree is found could not be read, or are not
    /// LMDB's.
    private(set) var damagedCount = 0
    /// Where the tree of each database begins.
    private var roots: [String: UInt64] = [:]

    private let file: Descriptor
    /// How many whole pages the file has.
    let pageCount: UInt64
    /// A bit for each page that was read: a tree that leads back into itself ends.
    private var seen: [UInt64] = []

    enum Offset {
        // Of a page.
        static let flags = 10
        static let lower = 12
        static let nodes = 16
        // Of a node, and of the database that a node holds.
        static let nodeFlags = 4
        static let keyBytes = 6
        static let key = 8
        static let root = 40
    }

    enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflowValue: UInt16 = 1
        static let database: UInt16 = 2
    }

    /// Where LMDB 1.0 has the magic number, the head of its pages being longer.
    private static let laterMagic = 24
    static let databaseBytes = 48
    /// The most pages of a file, 4 TiB: more is no vault's, and a bit is kept for each.
    static let pageCountMax: UInt64 = 1 << 30
    /// The longest value of any of the four databases.
    private static let valueBytesMax = 65_520

    /// Opens the database of the vault in `directory`, in the newest state that is there.
    ///
    /// - Throws: `databaseDamaged` where no record can be reached; `databaseUnsupported` where
    ///   another version of LMDB wrote it.
    convenience init(_ directory: String) throws(VaultError) {
        try self.init(
            opening: "\(directory)/\(VaultDirectory.databaseName)", followsLink: true)
        try checkVersion(isLater: false)
        guard try findRoots() else {
            throw VaultError(.databaseDamaged, .store, number: Int(pageCount), .nothingLeft)
        }
    }

    /// Where each database begins, in the newest state of which the records can be reached. False
    /// where there is none.
    func findRoots() throws(VaultError) -> Bool {
        for main in try mainRoots() {
            var found: [String: UInt64] = [:]
            damagedCount += try walk(main, Flag.database) { (name, value) throws(VaultError) in
                guard value.byteCount == Self.databaseBytes else { return }
                if let name = name.publicText { found[name] = value.integer(at: Offset.root) }
            }
            roots = found
            guard let records = found["\(LMDB.Database.records)"] else { continue }
            if records < pageCount || records == MetaPage.noPage { return true }
            damagedCount += 1
        }
        return false
    }

    /// Opens the file in the directory at `path`, and reads nothing of it yet.
    init(opening path: String, followsLink: Bool) throws(VaultError) {
        file = try Descriptor(
            "\(path)/data.mdb", flags: O_RDONLY, followsLink: followsLink, stage: .store)
        let byteCount = Int(try file.status().st_size)
        pageCount = min(UInt64(byteCount / LMDB.pageBytes), Self.pageCountMax)
    }

    /// Tells the file of another version of LMDB from a damaged one.
    ///
    /// - Parameter isLater: whether the LMDB at hand is 1.0 or later.
    /// - Throws: `databaseUnsupported`.
    func checkVersion(isLater: Bool) throws(VaultError) {
        var bytes = [UInt8](repeating: 0, count: 32)
        var elements = bytes.mutableSpan
        var page = unsafe elements.mutableBytes
        guard try file.read(into: &page, at: 0) else { return }
        let offset = isLater ? MetaPage.magicOffset : Self.laterMagic
        guard page.bytes.integer(at: offset) == MetaPage.magic else { return }
        let found = Int(page.bytes.integer(at: offset + 4, as: UInt32.self))
        throw VaultError(.databaseUnsupported, .store, number: found)
    }

    /// Every entry of a database that can be reached, in no certain order.
    ///
    /// - Returns: how many pages could not be read, or are not LMDB's. What was on them, and
    ///   below, is not known.
    func scan(
        _ database: LMDB.Database, _ visit: Visitor
    ) throws(VaultError) -> Int {
        guard let root = roots["\(database)"] else { return 1 }
        return try walk(root, 0, visit)
    }

    /// The roots of the newest state and of the one before it.
    private func mainRoots() throws(VaultError) -> [UInt64] {
        var found: [MetaPage] = []
        for number in 0..<2 {
            guard let meta = try meta(UInt64(number)) else {
                damagedCount += 1
                continue
            }
            found.append(meta)
        }
        return found.sorted { $0.transaction > $1.transaction }.map(\.mainRoot)
    }

    /// One of the two first pages; nil where it is not LMDB's.
    func meta(_ number: UInt64) throws(VaultError) -> MetaPage? {
        guard let page = try read(LMDB.pageBytes, at: number) else { return nil }
        return unsafe MetaPage(page.span.bytes)
    }

    /// Lends every entry below a page whose flags are these, wherever its value lies.
    private func walk(
        _ root: UInt64, _ flag: UInt16, _ visit: Visitor
    ) throws(VaultError) -> Int {
        forgetTaken()
        var damaged = 0
        var waiting = root == MetaPage.noPage ? [] : [root]
        while let number = waiting.popLast() {
            guard number >= 2, number < pageCount, take(number),
                let page = try read(LMDB.pageBytes, at: number)
            else {
                damaged += 1
                continue
            }
            // Only what the way leads by is needed: LMDB looks at no more.
            let kind = unsafe page.span.bytes.integer(at: Offset.flags, as: UInt16.self)
            var starts: [Int] = []
            var isWhole = Self.nodes(of: page) { starts.append($0) }
            if kind & Flag.branch != 0 {
                // A page waits once for each that leads to it: what was read needs not.
                waiting += starts.map { Self.child(page, $0) }.filter { !isTaken($0) }
            } else if kind & Flag.leaf != 0 {
                for start in starts {
                    let isRead = try entry(page, start, flag, visit)
                    isWhole = isWhole && isRead
                }
            } else {
                isWhole = false
            }
            if unsafe !isWhole || page.span.bytes.integer(at: 0) != number { damaged += 1 }
        }
        return damaged
    }

    func forgetTaken() { seen = [UInt64](repeating: 0, count: Int(pageCount / 64) + 1) }

    private func isTaken(_ number: UInt64) -> Bool {
        number < pageCount && seen[Int(number / 64)] & UInt64(1) << (number % 64) != 0
    }

    /// False where it was read before.
    func take(_ number: UInt64) -> Bool {
        let (word, bit) = (Int(number / 64), UInt64(1) << (number % 64))
        guard seen[word] & bit == 0 else { return false }
        seen[word] |= bit
        return true
    }

    /// Where the nodes of a page begin; false where one of them begins beyond its end.
    static func nodes(of page: [UInt8], _ take: (Int) -> Void) -> Bool {
        let span = unsafe page.span.bytes
        let lower = Int(span.integer(at: Offset.lower, as: UInt16.self))
        var isWhole = lower >= Offset.nodes && lower <= page.count && lower % 2 == 0
        for pointer in stride(from: Offset.nodes, to: min(lower, page.count) - 1, by: 2) {
            let start = Int(span.integer(at: pointer, as: UInt16.self))
            if start <= page.count - Offset.key {
                take(start)
            } else {
                isWhole = false
            }
        }
        return isWhole
    }

    static func child(_ page: [UInt8], _ start: Int) -> UInt64 {
        let span = unsafe page.span.bytes
        let low = UInt64(span.integer(at: start, as: UInt32.self))
        return low | UInt64(span.integer(at: start + Offset.nodeFlags, as: UInt16.self)) << 32
    }

    /// Lends one entry; false where its key or value cannot be read.
    private func entry(
        _ page: [UInt8], _ start: Int, _ flag: UInt16, _ visit: Visitor
    ) throws(VaultError) -> Bool {
        let span = unsafe page.span.bytes
        let byteCount = Int(span.integer(at: start, as: UInt32.self))
        let flags: UInt16 = span.integer(at: start + Offset.nodeFlags)
        let keyEnd =
            start + Offset.key + Int(span.integer(at: start + Offset.keyBytes, as: UInt16.self))
        guard flags & flag == flag, keyEnd <= page.count else { return false }
        let key = span.extracting(start + Offset.key..<keyEnd)
        guard flags & Flag.overflowValue != 0 else {
            guard byteCount <= page.count - keyEnd else { return false }
            try visit(key, span.extracting(keyEnd..<keyEnd + byteCount))
            return true
        }
        guard keyEnd + 8 <= page.count, byteCount <= Self.valueBytesMax else { return false }
        let first: UInt64 = span.integer(at: keyEnd)
        guard first >= 2, first < pageCount, take(first),
            let pages = try read(Offset.nodes + byteCount, at: first)
        else { return false }
        try visit(key, unsafe pages.span.bytes.extracting(Offset.nodes..<pages.count))
        return true
    }

    /// Bytes from the beginning of a page on; nil where the file ends before, or the disk fails.
    func read(_ byteCount: Int, at number: UInt64) throws(VaultError) -> [UInt8]? {
        guard number < pageCount else { return nil }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        do throws(VaultError) {
            guard try file.read(into: &span, at: Int(number) * LMDB.pageBytes) else { return nil }
        } catch {
            guard error.number == Int(EIO) else { throw error }
            return nil
        }
        return bytes
    }
}
