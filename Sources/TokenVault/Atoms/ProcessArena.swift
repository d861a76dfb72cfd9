// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The arena of each process: a child made by fork does not inherit its parent's.
enum ProcessArena {
    private static let secretMemoryAllowed = Monitor(true)
    /// The arena of the first process. Code that takes a block names it directly: an arena that a
    /// function returns is reference-counted, which costs as much as the block.
    static let first = make()
    /// The arena of a process whose parent had one; kept for ever.
    private static let latest = Atomic<UInt>(0)

    static func forbidSecretMemory() { secretMemoryAllowed.withLock { $0 = false } }

    private static func make() -> SecretArena {
        SecretArena(allowSecretMemory: secretMemoryAllowed.withLock { $0 })
    }

    /// The arena of this process, by its number.
    @inline(__always)
    static func of(_ process: UInt32) -> SecretArena {
        process == first.process ? first : later(process)
    }

    /// Without a lock, whose holder may be missing in a child. One thread of the process makes the
    /// arena, and the others wait for it; nobody waits for a thread of the parent.
    @inline(never)
    static func later(
        _ process: UInt32, make: () -> SecretArena = make
    ) -> SecretArena {
        // Odd, so it is no address.
        let making = UInt(process) << 1 | 1
        while true {
            let held = latest.load(ordering: .acquiring)
            if held == making {
                WorkerThread.sleep(milliseconds: 1)
                continue
            }
            if held & 1 == 0, let pointer = unsafe UnsafeRawPointer(bitPattern: held) {
                let arena = unsafe Unmanaged<SecretArena>.fromOpaque(pointer)
                    .takeUnretainedValue()
                if arena.process == process { return arena }
            }
            guard
                latest.compareExchange(
                    expected: held, desired: making, ordering: .acquiringAndReleasing
                ).exchanged
            else { continue }
            let made = unsafe Unmanaged.passRetained(make())
            latest.store(UInt(bitPattern: unsafe made.toOpaque()), ordering: .releasing)
            return unsafe made.takeUnretainedValue()
        }
    }
}
