// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The arena of each process: a child made by fork does not inherit its parent's.
enum ProcessArena {
    private static let secretMemoryAllowed = Monitor(true)
    private static let first = make()
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

    /// Without a lock: in a child its holder may be missing.
    @inline(never)
    private static func later(_ process: UInt32) -> SecretArena {
        while true {
            let held = latest.load(ordering: .acquiring)
            if let pointer = unsafe UnsafeRawPointer(bitPattern: held) {
                let arena = unsafe Unmanaged<SecretArena>.fromOpaque(pointer)
                    .takeUnretainedValue()
                if arena.process == process { return arena }
            }
            let made = unsafe Unmanaged.passRetained(make())
            let (isOurs, _) = latest.compareExchange(
                expected: held, desired: UInt(bitPattern: unsafe made.toOpaque()),
                ordering: .acquiringAndReleasing)
            if isOurs { return unsafe made.takeUnretainedValue() }
        }
    }
}
