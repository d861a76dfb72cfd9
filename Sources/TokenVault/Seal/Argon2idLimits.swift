// SPDX-License-Identifier: Apache-2.0

/// What stretching a passphrase may cost: Argon2id's limits, as libsodium calls them.
///
/// A new vault's passphrase is stretched with just these. For a vault that is there HEADER says
/// which were used, in the clear and before any key authenticates it: where it says more than
/// these, nothing is stretched.
public struct Argon2idLimits: Hashable, Sendable {
    /// Passes over the memory (`opslimit`).
    public var operations: UInt64
    /// Bytes of memory (`memlimit`).
    public var memoryBytes: UInt64

    /// Limits of the caller's own, within the two ranges.
    public init(operations: UInt64, memoryBytes: UInt64) {
        self.operations = operations
        self.memoryBytes = memoryBytes
    }

    /// libsodium's MODERATE: 3 passes over 256 MiB, about a second.
    public static let moderate = Argon2idLimits(
        operations: Sodium.argon2idModerateOperations,
        memoryBytes: UInt64(Sodium.argon2idModerateMemoryBytes))

    /// The passes that anybody may ask for. Fewer are refused in HEADER too: whoever can write it
    /// could weaken the key.
    public static let operationsRange = moderate.operations...64
    /// The memory that anybody may ask for, in bytes.
    public static let memoryBytesRange = moderate.memoryBytes...(4 << 30)

    /// Whether these are limits that a vault may be made with.
    var areInRange: Bool {
        Self.operationsRange.contains(operations) && Self.memoryBytesRange.contains(memoryBytes)
    }
}
