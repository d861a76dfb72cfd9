// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TokenVault

/// How many connections have which light. To know it every record has to be opened, 8 microseconds
/// each: so they are gone through in the background, a few at a time, and only while somebody asks.
final class LightCensus: Sendable {
    /// How soon after a pass another one may begin.
    static let interval = Duration.seconds(60)
    /// How many records are opened between two pauses, and how long a pause is: at most a
    /// twentieth of a processor, and three minutes for a million connections.
    private static let pageMax = 64
    private static let pause = Duration.milliseconds(10)

    /// What a pass found.
    struct Finding: Sendable {
        var counts: [ConnectionStatus.Light: Int] = [.green: 0, .yellow: 0, .red: 0]
        let began = ContinuousClock.now
        /// When it ended.
        var ended = ContinuousClock.now
    }

    private let vault: Vault
    private let latest = Mutex<Finding?>(nil)
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation

    init(_ vault: Vault) {
        self.vault = vault
        (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What the last pass found; nil before the first has ended. Somebody asks: another one begins
    /// where this one is old.
    func finding() -> Finding? {
        let finding = latest.withLock { $0 }
        if finding.map({ .now - $0.ended >= Self.interval }) ?? true { wish.yield() }
        return finding
    }

    /// Makes the passes that are wished for, until its task is cancelled or the vault is closed.
    func run() async {
        for await _ in wishes {
            do {
                try await pass()
            } catch {
                if Task.isCancelled { return }
                // Damage, or the end: the next one who asks will see an old finding.
            }
        }
    }

    private func pass() async throws {
        if let ended = latest.withLock({ $0?.ended }), .now - ended < Self.interval { return }
        try await vault.ready()
        var finding = Finding()
        var count = 0
        for try await status in try vault.statuses() {
            finding.counts[status.light, default: 0] += 1
            count += 1
            if count % Self.pageMax == 0 { try await Task.sleep(for: Self.pause) }
        }
        finding.ended = .now
        latest.withLock { [finding] in $0 = finding }
    }
}
