// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// The database's file beyond its last page: what the next transactions find there.
@Suite struct DatabaseFileTests {
    private struct Extent {
        let byteCount: Int
        /// How many of the pages ahead of those in use are not in the kernel's cache.
        var missingPages = 0

        init(_ home: TestVault) throws {
            let file = unsafe open("\(home.path)/db/data.mdb", O_RDONLY | O_CLOEXEC)
            try #require(file >= 0)
            defer { close(file) }
            byteCount = Int(lseek(file, 0, SEEK_END))
            let mapping = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file, 0)
            defer { unsafe munmap(mapping, byteCount) }
            var pages = [UInt8](repeating: 0, count: byteCount / LMDB.pageBytes)
            let result = unsafe mincore(mapping, byteCount, &pages)
            try #require(result == 0)
            // One that was freed before it was written, among those in use, may be missing.
            let ahead = pages.suffix(Writer.growthBytes / LMDB.pageBytes)
            missingPages = ahead.count { $0 & 1 == 0 }
        }
    }

    /// Long writes would make large pages of the cache, in which small ones are slow.
    @Test func newPagesAreInTheCacheBeforeTheyAreWritten() async throws {
        let home = try TestVault()
        try home.create()
        var first: Extent?
        for round in 0..<3 {
            let vault = try home.open()
            let tokens = TokenSet(accessToken: try Secret("at"))
            try await vault.put(ConnectionID("connection \(round)"), tokens)
            vault.close()
            let extent = try Extent(home)
            #expect(extent.byteCount >= Writer.growthBytes)
            #expect(extent.missingPages == 0)
            // It grows ahead of what is used, not with every opening.
            let least = first?.byteCount ?? extent.byteCount
            #expect(extent.byteCount < least + Writer.growthBytes)
            first = first ?? extent
        }
    }
}
