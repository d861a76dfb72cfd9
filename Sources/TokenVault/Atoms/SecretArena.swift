// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
import Synchronization

/// The one region of memory in which secrets lie open: locked, guarded, left out of core files, not
/// inherited by fork, and cut into blocks that are zeroed when they are given back.
///
/// It holds what is open at this moment; the rest lies sealed. A block costs about 0.1 microseconds
/// where a `sodium_malloc` costs 19, and past `RLIMIT_MEMLOCK` that one stops locking in silence.
@safe
public final class SecretArena: @unchecked Sendable {
    /// How the region is held, from best to worst.
    @nonexhaustive
    public enum Kind: String, Sendable {
        /// `memfd_secret`: not readable through `/proc`, not even by root.
        case secretMemory
        /// `mmap` and `mlock`.
        case locked
        /// `mmap` alone: `RLIMIT_MEMLOCK` was too small. It may reach swap.
        case unlocked
        /// No region could be mapped: every secret throws `outOfMemory`.
        case unavailable
    }

    /// Sizes of the blocks in bytes, and how many there are of each: 7 MiB, below the usual 8 MiB
    /// of `RLIMIT_MEMLOCK`.
    static let classes: [(byteCount: Int, blockCount: Int)] = [
        (128, 4096), (512, 3072), (2048, 1536), (8192, 128), (65536, 16),
    ]
    /// How long the block is that `byteCount` bytes need.
    static func blockBytes(for byteCount: Int) -> Int {
        classes.first { $0.byteCount >= byteCount }?.byteCount ?? secretBytesMax
    }

    /// The longest secret, in bytes.
    public static let secretBytesMax = 65536
    /// How long a caller waits for a block before `tooManySecrets`, in milliseconds.
    static let waitMilliseconds = 1000

    /// The process's arena, mapped at first use; a child made by fork has one of its own.
    public static var shared: SecretArena { ProcessArena.of(ProcessNumber.current) }

    /// Before the first secret only: keeps the arena to `mmap` and `mlock`, which a memory scanner
    /// can read. For proofs that the scanner finds what is there.
    package static func forbidSecretMemory() { ProcessArena.forbidSecretMemory() }

    /// How the region is held.
    public let kind: Kind

    let process = ProcessNumber.current
    private let base: UnsafeMutableRawPointer?
    /// A bit for each block, set where it is free; a class begins on a word of its own. No lock:
    /// two threads that read tokens would contend for it eight times for each.
    private let free: UnsafeMutablePointer<Atomic<UInt64>>
    /// How many threads wait for a block, and where they do.
    private let waiterCount = Atomic(0)
    private let waiters = Monitor<Void>(())

    /// A class as it lies in the region: where its blocks and its words begin, and how many.
    private struct Shelf {
        let offset: Int
        let byteCount: Int
        let word: Int
        let wordCount: Int

        init(_ sizeClass: Int) {
            var (offset, word) = (0, 0)
            for blocks in SecretArena.classes[..<sizeClass] {
                offset += blocks.byteCount * blocks.blockCount
                word += (blocks.blockCount + 63) / 64
            }
            self.offset = offset
            self.word = word
            byteCount = SecretArena.classes[sizeClass].byteCount
            wordCount = (SecretArena.classes[sizeClass].blockCount + 63) / 64
        }
    }
    private let shelves = InlineArray<5, Shelf> { Shelf($0) }

    init(allowSecretMemory: Bool) {
        let total = Self.classes.reduce(0) { $0 + $1.byteCount * $1.blockCount }
        var kind = Int32(0)
        unsafe base = tv_arena_map(total, allowSecretMemory, &kind)
        self.kind =
            switch Int(kind) {
            case Int(TV_ARENA_SECRET_MEMORY.rawValue): .secretMemory
            case Int(TV_ARENA_LOCKED.rawValue): .locked
            case Int(TV_ARENA_UNLOCKED.rawValue): .unlocked
            default: .unavailable
            }
        let wordCount = Self.classes.reduce(0) { $0 + ($1.blockCount + 63) / 64 }
        unsafe free = .allocate(capacity: wordCount)
        var word = 0
        for blocks in Self.classes {
            for first in stride(from: 0, to: blocks.blockCount, by: 64) {
                let bits = ~UInt64(0) >> UInt64(64 - min(64, blocks.blockCount - first))
                unsafe (free + word).initialize(to: Atomic(bits))
                word += 1
            }
        }
    }

    @unsafe
    struct Block {
        let start: UnsafeMutableRawPointer
        let byteCount: Int
        /// Whose it is: in a child there is nothing at `start`.
        let process: UInt32
        /// The word and the bit that stand for it.
        let word: UInt16
        let bit: UInt16
    }

    /// Takes a block of at least `byteCount` bytes of this process's arena; waits at most
    /// `milliseconds` for one.
    ///
    /// The writer's thread and the transport's never wait: others hold blocks until those two have
    /// done something for them. Where they would, they take a larger one, up to the largest.
    static func take(
        byteCount: Int, waitingAtMost milliseconds: Int = SecretArena.waitMilliseconds
    ) throws(VaultError) -> Block {
        let process = ProcessNumber.current
        return process == ProcessArena.first.process
            ? unsafe try ProcessArena.first.take(byteCount, milliseconds)
            : unsafe try ProcessArena.later(process).take(byteCount, milliseconds)
    }

    private func take(_ wanted: Int, _ milliseconds: Int) throws(VaultError) -> Block {
        guard unsafe base != nil else { throw VaultError(.outOfMemory, .atoms) }
        var fitting = 0
        while fitting < shelves.count, shelves[fitting].byteCount < wanted { fitting += 1 }
        guard fitting < shelves.count else {
            throw VaultError(.limitExceeded, .atoms, number: Self.secretBytesMax)
        }
        if let block = unsafe takeFree(fitting) { return unsafe block }
        guard milliseconds > 0 else { throw VaultError(.tooManySecrets, .atoms) }
        guard tv_thread_may_wait() != 0 else { return unsafe try takeLarger(fitting) }
        waiterCount.add(1, ordering: .sequentiallyConsistent)
        // What is looked at from here on is looked at after that, on every processor: either we see
        // a block that is given back, or whoever gives it sees the count.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        defer { waiterCount.subtract(1, ordering: .relaxed) }
        var taken: Block?
        waiters.wait(
            milliseconds: milliseconds,
            until: { _ in
                unsafe taken = takeFree(fitting)
                return unsafe taken != nil
            }, then: { _ in })
        guard let block = unsafe taken else { throw VaultError(.tooManySecrets, .atoms) }
        return unsafe block
    }

    private func takeLarger(_ fitting: Int) throws(VaultError) -> Block {
        for larger in fitting..<shelves.count {
            if let block = unsafe claim(larger) { return unsafe block }
        }
        throw VaultError(.tooManySecrets, .atoms)
    }

    /// A free block of this class, or of the next where that may help out; nil where there is none.
    private func takeFree(_ fitting: Int) -> Block? {
        if let block = unsafe claim(fitting) { return unsafe block }
        // One class up may help out, but the few largest blocks are for what needs them.
        return unsafe fitting + 1 < shelves.count - 1 ? claim(fitting + 1) : nil
    }

    private func claim(_ sizeClass: Int) -> Block? {
        guard let base = unsafe base else { return nil }
        let shelf = shelves[sizeClass]
        // Each processor begins at a cache line of its own. The lowest block that is free was used
        // last, more often than not, and lies in the cache.
        let home = Int(tv_processor()) * 8 % shelf.wordCount
        for step in 0..<shelf.wordCount {
            let word = home + step < shelf.wordCount ? home + step : home + step - shelf.wordCount
            let bits = unsafe free + shelf.word + word
            var seen = unsafe bits.pointee.load(ordering: .relaxed)
            while seen != 0 {
                let bit = seen.trailingZeroBitCount
                let (exchanged, now) = unsafe bits.pointee.weakCompareExchange(
                    expected: seen, desired: seen & (seen - 1), ordering: .acquiring)
                if exchanged {
                    let start = shelf.offset + (word * 64 + bit) * shelf.byteCount
                    return unsafe Block(
                        start: base + start, byteCount: shelf.byteCount,
                        process: process, word: UInt16(shelf.word + word), bit: UInt16(bit))
                }
                seen = now
            }
        }
        return nil
    }

    /// Gives a block back to its arena. In a child made by fork a block of the parent's is not
    /// touched: that would end the process.
    static func give(_ block: Block, writtenBytes: Int) {
        let process = ProcessNumber.current
        guard unsafe block.process == process else { return }
        if process == ProcessArena.first.process {
            unsafe ProcessArena.first.give(block, writtenBytes)
        } else {
            unsafe ProcessArena.later(process).give(block, writtenBytes)
        }
    }

    /// Zeroes what was written of the block, its first bytes, and gives it back.
    private func give(_ block: Block, _ writtenBytes: Int) {
        unsafe Sodium.wipe(block.start, writtenBytes)
        unsafe giveBack(1 << UInt64(block.bit), to: Int(block.word))
    }

    private func giveBack(_ bits: UInt64, to word: Int) {
        // Sequentially consistent, as is the count: see `take`.
        unsafe free[word].bitwiseOr(bits, ordering: .sequentiallyConsistent)
        guard waiterCount.load(ordering: .sequentiallyConsistent) > 0 else { return }
        // Behind the lock, so that nobody is between looking and sleeping.
        waiters.withLock { _ in }
        waiters.broadcast()
    }

    /// True where every byte of every free block is zero: the check from inside, for a region that
    /// nothing outside can read. Takes milliseconds, and no block.
    public func freeBlocksAreZero() -> Bool {
        guard unsafe base != nil else { return true }
        for index in shelves.indices {
            for word in 0..<shelves[index].wordCount {
                for bit in 0..<64 where !isZeroOrTaken(shelves[index], word, bit) { return false }
            }
        }
        return true
    }

    private func isZeroOrTaken(_ shelf: Shelf, _ word: Int, _ bit: Int) -> Bool {
        guard let base = unsafe base else { return true }
        let (bits, mask) = unsafe (free + shelf.word + word, UInt64(1) << UInt64(bit))
        guard unsafe bits.pointee.load(ordering: .acquiring) & mask != 0 else { return true }
        let start = unsafe base + shelf.offset + (word * 64 + bit) * shelf.byteCount
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: shelf.byteCount)
        if Sodium.isZero(span) { return true }
        // Another thread may have taken it just now; once taken here, it does not change.
        let old = unsafe bits.pointee.bitwiseAnd(~mask, ordering: .acquiring).oldValue
        guard old & mask != 0 else { return true }
        defer { giveBack(mask, to: shelf.word + word) }
        return Sodium.isZero(span)
    }

    /// How many secrets are open at this moment.
    public var openSecretCount: Int {
        var count = Self.classes.reduce(0) { $0 + $1.blockCount }
        for index in shelves.indices {
            let shelf = shelves[index]
            for word in shelf.word..<shelf.word + shelf.wordCount {
                count -= unsafe free[word].load(ordering: .relaxed).nonzeroBitCount
            }
        }
        return count
    }
}
