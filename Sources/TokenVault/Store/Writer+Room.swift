// SPDX-License-Identifier: Apache-2.0

import BasicContainers
internal import CMemoryHygiene

// A full disk is noticed before LMDB notices: a write that is cut short comes back from it as an
// error whose fate is unknown, and a disconnect must not need room that is not there.
extension Writer {
    /// Room on the disk and in the map for commits that must not fail, and no others: a disconnect
    /// works however full they are. It is in blocks that the file has already, so nobody else can
    /// take it; LMDB frees as many pages as it writes, so it is there for the next one too.
    static let reserveBytes = 256 << 10
    /// By how much the file grows at a time, where there is room for that.
    static let growthBytes = 1 << 20
    /// The upper pages of the trees, which every transaction rewrites, and the leaves of one
    /// commit.
    static let treeBytes = 8 * LMDB.pageBytes
    static let leafBytes = 3 * LMDB.pageBytes

    /// What of the reserve only the end of a record may use: its fence and its erasure.
    static let endReserveBytes = reserveBytes / 2

    /// Which commits of a group find room, each after those before it; the others must not reach
    /// LMDB, which does not survive a write that is cut short.
    mutating func fits(
        _ group: [Commit], _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> [Bool] {
        var room = try room(for: group)
        var fits: [Bool] = []
        for commit in group {
            var need = commit.neededBytes
            // Where it matters; elsewhere the reserve makes up for it.
            if room < need { need += try rewrittenBytes(commit, transaction) }
            let isRoomy = need <= room + commit.reservedBytes
            if isRoomy { room -= need }
            fits.append(isRoomy)
        }
        return fits
    }

    /// What the records take that a commit rewrites as a whole.
    private func rewrittenBytes(
        _ commit: Commit, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> Int {
        var bytes = 0
        for index in commit.changes.indices {
            switch commit.changes[index].kind {
            case .fence(let key): bytes += try transaction.byteCount(.records, key.bytes)
            case .revise(let key, _): bytes += try transaction.byteCount(.records, key.bytes)
            default: continue
            }
        }
        return bytes
    }

    /// What the transaction can write beside the reserve: blocks that the file has beyond its last
    /// page and, where those are too few, pages that were freed and that no reader sees. Below zero
    /// where even the reserve is in use.
    private mutating func room(for group: [Commit]) throws(VaultError) -> Int {
        let needed = group.reduce(Self.reserveBytes + Self.treeBytes) { $0 + $1.neededBytes }
        let wanted = (needed + LMDB.pageBytes - 1) / LMDB.pageBytes * LMDB.pageBytes
        let used = store.lmdb.usedBytes
        let least = min(used + wanted, store.lmdb.mapBytes)
        if allocatedBytes < least { try allocate(least: least, used: used) }
        let ahead = max(allocatedBytes - used, 0)
        let freed = ahead >= wanted ? 0 : try store.lmdb.freedBytes()
        return ahead + freed - Self.reserveBytes - Self.treeBytes
    }

    /// Gives the file blocks, some for later too; on a full disk it has those that are there.
    private mutating func allocate(least: Int, used: Int) throws(VaultError) {
        let most = min(least + Self.growthBytes, store.lmdb.mapBytes)
        let present = max(min(try store.lmdb.fileBytes(), least), used)
        for goal in [most, least, present] where allocatedBytes < least {
            let cached = max(allocatedBytes, used)
            guard tv_allocate(store.lmdb.file, Int64(cached), Int64(goal)) != 0 else { continue }
            allocatedBytes = goal
        }
    }
}

extension Commit {
    /// What it may use of the reserve.
    fileprivate var reservedBytes: Int {
        guard mayUseReserve else { return 0 }
        for index in changes.indices {
            switch changes[index].kind {
            case .fence, .erase: return Writer.reserveBytes
            default: continue
            }
        }
        return Writer.reserveBytes - Writer.endReserveBytes
    }

    /// What it takes in the file, at most: pages are rewritten, never changed in place.
    var neededBytes: Int {
        var bytes = Writer.leafBytes
        for index in changes.indices {
            switch changes[index].kind {
            case .revise(_, let revision): bytes += 2 * (LMDB.pageBytes + revision.addedBytesMax)
            case .addFlow: bytes += 2 * Writer.droppedFlowsMax * LMDB.pageBytes
            default: break
            }
            switch changes[index].plaintext {
            case .none: break
            case .some(let plaintext): bytes += 2 * plaintext.count
            }
        }
        return bytes
    }
}
