// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// The one region of memory in which secrets lie open: locked, guarded, left out of core files, not
/// inherited by fork, and cut into slots that are zeroed when they are given back.
///
/// It holds what is open at this moment; the rest lies sealed. A slot costs about 0.1 microseconds
/// where a `sodium_malloc` costs 19, and past `RLIMIT_MEMLOCK` that one stops locking in silence.
@safe
public final class SecretArena: @unchecked Sendable {
    /// How the region is held, from best to worst.
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

    /// Sizes of the slots in bytes, and how many there are of each: 7 MiB, below the usual 8 MiB of
    /// `RLIMIT_MEMLOCK`.
    static let classes: [(byteCount: Int, slotCount: Int)] = [
        (128, 4096), (512, 3072), (2048, 1536), (8192, 128), (65536, 16),
    ]
    /// The longest secret, in bytes.
    public static let secretBytesMax = 65536
    /// How long a caller waits for a slot before `tooManySecrets`, in milliseconds.
    static let waitMilliseconds = 1000

    /// The process's arena, mapped at first use.
    public static let shared = SecretArena(allowSecretMemory: secretMemoryAllowed.withLock { $0 })

    /// Before the first secret only: keeps the arena to `mmap` and `mlock`, which a memory scanner
    /// can read. For proofs that the scanner finds what is there.
    package static func forbidSecretMemory() { secretMemoryAllowed.withLock { $0 = false } }
    private static let secretMemoryAllowed = Monitor(true)

    /// How the region is held.
    public let kind: Kind

    private let base: UnsafeMutableRawPointer?
    private let free: Monitor<[[UInt32]]>
    /// Where each class begins, in bytes from `base`.
    private let offsets: [Int]

    init(allowSecretMemory: Bool) {
        var offsets: [Int] = []
        var total = 0
        for slots in Self.classes {
            offsets.append(total)
            total += slots.byteCount * slots.slotCount
        }
        var kind = Int32(0)
        unsafe base = tv_arena_map(total, allowSecretMemory, &kind)
        self.offsets = offsets
        self.kind =
            switch Int(kind) {
            case Int(TV_ARENA_SECRET_MEMORY.rawValue): .secretMemory
            case Int(TV_ARENA_LOCKED.rawValue): .locked
            case Int(TV_ARENA_UNLOCKED.rawValue): .unlocked
            default: .unavailable
            }
        // Last in, first out: the slot that was given back last is still in the cache.
        free = Monitor(Self.classes.map { slots in (0..<UInt32(slots.slotCount)).reversed() })
    }

    @unsafe
    struct Slot {
        let start: UnsafeMutableRawPointer
        let sizeClass: UInt8
        let index: UInt32

        var byteCount: Int { unsafe SecretArena.classes[Int(sizeClass)].byteCount }
    }

    /// Takes a slot of at least `byteCount` bytes; waits at most `milliseconds` for one.
    func take(
        byteCount wanted: Int, waitingAtMost milliseconds: Int = SecretArena.waitMilliseconds
    ) throws(VaultError) -> Slot {
        guard !tv_forked() else { throw VaultError(.forked, .atoms) }
        guard let base = unsafe base else { throw VaultError(.outOfMemory, .atoms) }
        guard let fitting = Self.classes.firstIndex(where: { $0.byteCount >= wanted }) else {
            throw VaultError(.limitExceeded, .atoms, number: Self.secretBytesMax)
        }
        // One class up may help out, but the few largest slots are for what needs them.
        let spare = fitting + 1 < Self.classes.count - 1 ? fitting + 1 : fitting
        let taken = free.wait(
            milliseconds: milliseconds,
            until: { !$0[fitting].isEmpty || !$0[spare].isEmpty },
            then: { free -> (Int, UInt32)? in
                if let index = free[fitting].popLast() { return (fitting, index) }
                if let index = free[spare].popLast() { return (spare, index) }
                return nil
            })
        guard let (sizeClass, index) = taken else { throw VaultError(.tooManySecrets, .atoms) }
        let byteCount = Self.classes[sizeClass].byteCount
        let start = unsafe base + offsets[sizeClass] + Int(index) * byteCount
        return unsafe Slot(start: start, sizeClass: UInt8(sizeClass), index: index)
    }

    /// Zeroes the slot and gives it back.
    func give(_ slot: Slot) {
        // In a child made by fork the region is not mapped: touching it would end the process.
        guard !tv_forked() else { return }
        unsafe Sodium.wipe(slot.start, slot.byteCount)
        free.withLock { unsafe $0[Int(slot.sizeClass)].append(slot.index) }
        free.signal()
    }

    /// True where every byte of every free slot is zero: the check from inside, for a region that
    /// nothing outside can read. Takes milliseconds; holds the lock meanwhile.
    public func freeSlotsAreZero() -> Bool {
        guard let base = unsafe base else { return true }
        return free.withLock { free in
            for (sizeClass, indices) in free.enumerated() {
                let byteCount = Self.classes[sizeClass].byteCount
                for index in indices {
                    let start = unsafe base + offsets[sizeClass] + Int(index) * byteCount
                    let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
                    if !Sodium.isZero(span) { return false }
                }
            }
            return true
        }
    }

    /// How many secrets are open at this moment.
    public var openSecretCount: Int {
        free.withLock { free in
            zip(Self.classes, free).reduce(0) { $0 + $1.0.slotCount - $1.1.count }
        }
    }
}
