// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
import TokenVault
import TokenVaultServices

/// Refreshes until the process is asked to end.
struct RefreshService: Service {
    let door: OwnVault
    let readsUnverified: Bool
    let drain: Duration
    /// Ends when browsers are answered.
    let listening: AsyncStream<Void>
    let ending: Ending
    let readiness: Readiness
    let log: ServiceLog
    let early: EarlySignals
    let group = SharedGroup()

    func run() async throws {
        // By now the group listens for signals itself, and can be ended.
        let watcher = Task { for await _ in early.stream { await group.end() } }
        defer {
            watcher.cancel()
            early.finish()
        }
        try await refresh()
    }

    private func refresh() async throws {
        let vault = door.vault
        do {
            try await verify(vault)
        } catch let error as VaultError {
            // Nobody waits for it any more; whoever asked for something is told that it is over.
            if error.code == .cancelled {
                readiness.state = .unready("the process is ending")
                return await door.closeElsewhere()
            }
            guard readsUnverified, error.failure.status == .badData else { throw error }
            // Somebody salvages what can be read.
            readiness.state = .unready("reading only: \(error.failure.message.printable)")
            log.warn(error.failure.message)
            log.warn(
                "reading only: what still opens is read and lent; nothing is refreshed, sent or "
                    + "written")
            if try await sayReady() { try await gracefulShutdown() }
            return
        }
        guard try await sayReady() else { return }
        readiness.state = .ready
        try await cancelWhenGracefulShutdown { try await vault.run() }
        ending.begin(drain)
        ServiceManager.stopping.notify()
        readiness.state = .unready("draining: waiting for answers to requests that were sent")
        let left = await vault.drain(for: drain)
        if left > 0 {
            log.tell(
                "ended with \(left.counted("refresh request")) unanswered, recorded as in doubt")
        }
    }

    /// Waits for it, and says to whoever watches how far it is.
    private func verify(_ vault: Vault) async throws {
        let teller = Task { [readiness] in
            for await progress in vault.verification() {
                readiness.state = .unready(
                    "verifying: \(progress.recordsDone) of \(progress.recordsTotal) records")
            }
        }
        defer { teller.cancel() }
        try await cancelWhenGracefulShutdown { try await vault.ready() }
        // It has said its last.
        await teller.value
    }

    /// False where the process was asked to end before browsers are answered.
    private func sayReady() async throws -> Bool {
        await cancelWhenGracefulShutdown { for await _ in listening {} }
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else {
            readiness.state = .unready("the process is ending")
            return false
        }
        try Outlet.output.line("ready")
        ServiceManager.ready.notify()
        return true
    }
}
