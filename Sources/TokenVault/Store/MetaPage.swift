// SPDX-License-Identifier: Apache-2.0

/// One of the two first pages of `data.mdb`: where a state of the database begins. The layout is
/// that of LMDB 0.9.
struct MetaPage {
    /// The one that wrote it: the higher one counts.
    let transaction: UInt64
    private let pageBytes: UInt32
    /// Where the list of free pages begins, and the tree that names the databases.
    let freeRoot: UInt64
    let mainRoot: UInt64
    /// The highest page that was ever in use.
    let lastPage: UInt64

    /// Stands for the root of an empty tree.
    static let noPage = UInt64.max
    static let magicOffset = 16
    static let magic: UInt32 = 0xbeef_c0de
    private static let version: UInt32 = 1
    private static let flag: UInt16 = 8

    private enum Offset {
        static let flags = 10
        static let version = 20
        static let pageBytes = 40
        static let freeRoot = 80
        static let mainRoot = 128
        static let lastPage = 136
        static let transaction = 144
        static let end = 152
    }

    /// Nil where it is no such page.
    init?(_ page: RawSpan) {
        guard page.byteCount >= Offset.end,
            page.integer(at: Offset.flags, as: UInt16.self) & Self.flag != 0,
            page.integer(at: Self.magicOffset) == Self.magic,
            page.integer(at: Offset.version) == Self.version
        else { return nil }
        transaction = page.integer(at: Offset.transaction)
        pageBytes = page.integer(at: Offset.pageBytes)
        freeRoot = page.integer(at: Offset.freeRoot)
        mainRoot = page.integer(at: Offset.mainRoot)
        lastPage = page.integer(at: Offset.lastPage)
    }

    var hasOurPages: Bool { pageBytes == UInt32(LMDB.pageBytes) }

    /// Whether what it speaks of lies up to its own last page.
    var isPlausible: Bool {
        hasOurPages && lastPage >= 1 && lastPage < DatabasePages.pageCountMax
            && [freeRoot, mainRoot].allSatisfy { root in
                root == Self.noPage || root >= 2 && root <= lastPage
            }
    }
}
