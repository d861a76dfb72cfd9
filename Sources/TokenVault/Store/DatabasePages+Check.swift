// SPDX-License-Identifier: Apache-2.0

// LMDB maps the file and reads what its first pages speak of: where that lies beyond the file's end
// the kernel ends the process. So these are looked at before.
extension DatabasePages {
    /// LMDB's own limit on the pages of one transaction.
    private static let transactionPagesMax: UInt64 = 131_071

    /// Checks whether LMDB can open the file in the directory at `path` without crashing.
    ///
    /// As a rule a vault's file is longer than its pages. It may be shorter: a page that was taken
    /// and given back by one transaction is counted, and never written. Then all that the trees
    /// lead to has to be there.
    ///
    /// - Parameter isLater: whether the LMDB at hand is 1.0 or later, whose pages nobody looks at.
    /// - Throws: `databaseDamaged`, whose detail says so where no record can be reached;
    ///   `databaseUnsupported` where another version of LMDB wrote it.
    static func check(_ path: String, isLater: Bool) throws(VaultError) {
        let pages = try DatabasePages(opening: path, followsLink: false)
        try pages.checkVersion(isLater: isLater)
        guard !isLater else { return }
        do throws(VaultError) {
            try pages.check()
        } catch {
            guard error.code == .databaseDamaged else { throw error }
            if try pages.findRoots() { throw error }
            throw VaultError(.databaseDamaged, .store, number: error.number, .nothingLeft)
        }
    }

    /// The same of a file whose version is known.
    func check() throws(VaultError) {
        guard let first = try meta(0), let second = try meta(1) else {
            throw VaultError(.databaseDamaged, .store)
        }
        // LMDB finds the second by what the first says of the size of pages. Then it goes by the
        // number of the newer one, which says in which of the two it stands.
        let newest = max(first.transaction, second.transaction)
        let meta = newest % 2 == 0 ? first : second
        guard first.hasOurPages, meta.isPlausible, meta.transaction == newest else {
            throw VaultError(.databaseDamaged, .store)
        }
        guard meta.lastPage >= pageCount else { return }
        guard meta.lastPage - pageCount < Self.transactionPagesMax, try holdsAll(of: meta)
        else { throw VaultError(.databaseDamaged, .store, number: Int(pageCount)) }
    }

    /// Whether every page that is reached from there lies within the file.
    private func holdsAll(of meta: MetaPage) throws(VaultError) -> Bool {
        forgetTaken()
        var waiting = [meta.freeRoot, meta.mainRoot]
        while let number = waiting.popLast() {
            if number == MetaPage.noPage { continue }
            guard number >= 2, number < pageCount, take(number),
                let page = try read(LMDB.pageBytes, at: number)
            else { return false }
            let kind = unsafe page.span.bytes.integer(at: Offset.flags, as: UInt16.self)
            var starts: [Int] = []
            guard Self.nodes(of: page, { starts.append($0) }) else { return false }
            if kind & Flag.branch != 0 {
                waiting += starts.map { Self.child(page, $0) }
            } else if kind & Flag.leaf != 0 {
                for start in starts {
                    guard holdsValue(page, start, &waiting) else { return false }
                }
            } else {
                return false
            }
        }
        return true
    }

    /// Whether the value of an entry lies within the file; where it is a database, its root waits.
    private func holdsValue(_ page: [UInt8], _ start: Int, _ waiting: inout [UInt64]) -> Bool {
        let span = unsafe page.span.bytes
        let flags: UInt16 = span.integer(at: start + Offset.nodeFlags)
        let byteCount = UInt64(span.integer(at: start, as: UInt32.self))
        let keyBytes = Int(span.integer(at: start + Offset.keyBytes, as: UInt16.self))
        let value = start + Offset.key + keyBytes
        if flags & Flag.overflowValue != 0 {
            guard value + 8 <= page.count else { return false }
            let first: UInt64 = span.integer(at: value)
            let bytes = UInt64(Offset.nodes) + byteCount
            let count = (bytes + UInt64(LMDB.pageBytes) - 1) / UInt64(LMDB.pageBytes)
            return first >= 2 && first < pageCount && count <= pageCount - first
        }
        if flags & Flag.database != 0 {
            guard value + Self.databaseBytes <= page.count else { return false }
            waiting.append(span.integer(at: value + Offset.root))
        }
        return true
    }
}
