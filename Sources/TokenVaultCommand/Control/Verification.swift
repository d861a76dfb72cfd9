// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The verification that comes before everything else a command does with a vault.
enum Verification {
    /// From how many records on it takes long enough for a bar.
    static let largeStore = 100_000

    /// Waits for it; draws a bar where somebody at a terminal waits long.
    ///
    /// - Throws: `integrityFailed` and kin where the store is not what it should be.
    static func of(_ vault: Vault) async throws {
        if Outlet.errors.isTerminal {
            let bar = ProgressBar(.errors)
            var isDrawn = false
            for await progress in vault.verification()
            where progress.recordsTotal >= largeStore {
                if !isDrawn { try bar.begin("verifying \(progress.recordsTotal) records") }
                isDrawn = true
                try bar.advance(
                    to: Double(progress.recordsDone) / Double(progress.recordsTotal))
            }
            if isDrawn { try bar.clear() }
        }
        try await vault.ready()
    }
}
