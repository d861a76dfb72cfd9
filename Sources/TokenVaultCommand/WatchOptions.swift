// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault
import TokenVaultServices

/// How a process that serves is watched.
struct WatchOptions: ParsableArguments {
    @Option(
        help: """
            Address and port of /health, /ready and /metrics over HTTP, such as 127.0.0.1:9464; a \
            port alone is on 127.0.0.1. Whoever reaches it is answered, so it is no address that \
            strangers reach.
            """)
    var metrics: String?

    @Option(
        name: .customLong("log-format"),
        help: """
            How what happens is written on stderr, a line each, with ids, codes and numbers and no \
            secret: text, which it is without this, or json.
            """)
    var logFormat: ServiceLog.Format?

    func address() throws(CommandFailure) -> ListenAddress? {
        guard let metrics else { return nil }
        let isPort = !metrics.isEmpty && metrics.utf8.allSatisfy { (48...57).contains($0) }
        return try ListenAddress(isPort ? "127.0.0.1:\(metrics)" : metrics, option: "--metrics")
    }

    /// What `/metrics` has beside the vault.
    static func configuration(
        _ address: ListenAddress, path: String, _ log: ServiceLog,
        _ isListening: @escaping @Sendable () -> Void
    ) -> MetricsService.Configuration {
        var configuration = MetricsService.Configuration()
        configuration.host = address.host
        configuration.port = Int(address.port)
        configuration.version = TokenVaultCommand.version
        configuration.path = path
        configuration.additional = { text in
            let counts = log.counts
            text.begin("tokenvault_events_total", .counter, "Events of connections by their kind.")
            for (kind, count) in counts.events.sorted(by: { $0.key < $1.key }) {
                text.sample("tokenvault_events_total", [("kind", kind)], "\(count)")
            }
            text.add(
                "tokenvault_log_lines_dropped_total", .counter,
                "Lines of the log that were dropped, since nobody read those before them.",
                counts.droppedLines)
            text.add(
                "tokenvault_memory_locked", "1 where no open secret can reach swap.",
                SecretArena.shared.kind != .unlocked)
        }
        configuration.onServerRunning = { _ in isListening() }
        return configuration
    }
}
