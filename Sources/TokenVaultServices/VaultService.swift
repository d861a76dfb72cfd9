// SPDX-License-Identifier: Apache-2.0

public import ServiceLifecycle
public import TokenVault

/// A vault as a service of swift-service-lifecycle: refreshes for as long as its group runs.
///
/// On a graceful shutdown it sends no refresh any more, waits for the answers to those that were
/// sent, and closes the vault. Whatever uses the vault has to end before, and therefore stands
/// after it in the list of services: a group shuts them down from the last to the first. See
/// `ServiceGroupConfiguration.init(vault:front:services:drain:logger:)`.
public struct VaultService: Service {
    /// For how long answers are waited for, unless somebody says otherwise. What has not come by
    /// then is on record as in doubt, and its connection is not refreshed for up to five minutes.
    public static let drainDefault = Duration.seconds(60)

    private let vault: Vault
    private let drain: Duration

    /// - Parameter drain: for how long answers are waited for at the end.
    public init(_ vault: Vault, drain: Duration = Self.drainDefault) {
        self.vault = vault
        self.drain = drain
    }

    /// Refreshes until its group shuts down, its task is cancelled, or the vault is closed; the
    /// vault is closed afterwards.
    ///
    /// - Throws: what `Vault.run` throws, such as `integrityFailed`.
    public func run() async throws {
        do throws(VaultError) {
            try await runUntilShutdown()
        } catch {
            await close()
            // Asked to end before every record was verified.
            guard error.code == .cancelled else { throw error }
            return
        }
        // Somebody who cancels does not wait.
        await vault.drain(for: Task.isCancelled ? .zero : drain)
        await close()
    }

    private func runUntilShutdown() async throws(VaultError) {
        let end = await cancelWhenGracefulShutdown { () async -> VaultError? in
            do throws(VaultError) {
                try await vault.run()
                return nil
            } catch {
                return error
            }
        }
        if let end { throw end }
    }

    /// On a thread of its own: it may wait for seconds, and the pool's threads are for tasks.
    private func close() async {
        await WorkerThread.run("vault-close") { [vault] in vault.close() }
    }
}
