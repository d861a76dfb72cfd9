// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Whether what is open in this process can reach swap, and what is said of it.
enum LockedMemory {
    /// Warns where it can.
    ///
    /// - Parameter isRequired: ends the command then.
    static func check(
        _ kind: SecretArena.Kind, isRequired: Bool, _ warn: (String) throws -> Void
    ) throws {
        guard kind == .unlocked else { return }
        let reason =
            "memory cannot be locked: RLIMIT_MEMLOCK is too small, 8 MiB is enough "
            + "(ulimit -l 8192, or LimitMEMLOCK=8M)"
        guard !isRequired else { throw CommandFailure(.refused, reason) }
        try warn("\(reason); secrets may reach swap")
    }
}
