// SPDX-License-Identifier: Apache-2.0

import BasicContainers
internal import CMemoryHygiene

// A full disk is noticed before LMDB notices: a write that is cut short comes back from it as an
// error whose fate is unknown, and a disconnect must not need room that is not there.
extension Writer {
    /// Room on the disk and in the map that only commits that must land may use: a disconnect works
    /// however full they are. It is in blocks that the file has already, so nobody else can take
    /// it; LMDB frees as many pages as it writes, so it is there for the next one too.
    static let reserveBytes = 256 << 10
    /// By how much the file grows at a time, where there is room for that.
    static let growthBytes = 1 << 20
    /// The upper pages of the trees, which every transaction rewrites, and the leaves of one
    /// commit.
    static let treeBytes = 8 * LMDB.pageBytes
    static let leafBytes = 3 * LMDB.pageBytes

    /// What the transaction can write beside the reserve: blocks that the file has beyond its last
    /// page and, where those are too few, pages that were freed. Below zero where even the reserve
    /// is in use.
    mutating func room(for group: [Commit]) throws(VaultError) -> Int {
        let wanted = group.reduce(Self.reserveBytes + Self.treeBytes) { $0 + $1.neededBytes }
        let used = store.lmdb.usedBytes
        let least = min(used + wanted, store.lmdb.mapBytes)
        for goal in [min(used + wanted + Self.growthBytes, store.lmdb.mapBytes), least]
        where allocatedBytes < least {
            let cached = max(allocatedBytes, used)
            guard tv_allocate(store.lmdb.file, Int64(cached), Int64(goal)) != 0 else { continue }
            allocatedBytes = goal
        }
        let ahead = max(allocatedBytes - used, 0)
        let freed = ahead >= wanted ? 0 : try store.lmdb.freedBytes()
        return ahead + freed - Self.reserveBytes - Self.treeBytes
    }
}

extension Commit {
    /// What it takes in the file, at most: pages are rewritten, never changed in place.
    var neededBytes: Int {
        var bytes = Writer.leafBytes
        for index in changes.indices {
            if case .revise(_, let revision) = changes[index].kind {
                bytes += 2 * (LMDB.pageBytes + revision.addedBytesMax)
            }
            switch changes[index].plaintext {
            case .none: break
            case .some(let plaintext): bytes += 2 * plaintext.count
            }
        }
        return bytes
    }
}
