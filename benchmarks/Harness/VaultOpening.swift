// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// A vault opened: how soon the first token is read, what the complete schedule costs, and how much
/// memory of its own the process has then. The database and the key slots are mapped files, which
/// the system can take back, and do not count.
struct VaultOpening {
    let home: String
    let emptyHome: String
    let connections: Int

    /// The two times of a connection, then the first read in milliseconds, as it is and with a
    /// setting that lets reads be served unverified, then the anonymous bytes of a connection
    /// beyond those of an empty vault.
    func measure() async throws -> String {
        // What the process needs at all: the library, its threads, an empty vault.
        let empty = try await Population(home: emptyHome).open()
        let memoryBefore = try Self.anonymousBytes()
        empty.close()

        let unverified = try await firstRead(readsUnverified: true)
        unverified.vault.close()
        var opened: (vault: Vault, milliseconds: Double)?
        let measurement = try await Measurement(of: connections) {
            opened = try await firstRead(readsUnverified: false)
            try await opened?.vault.ready()
        }
        let memory = max(0, try Self.anonymousBytes() - memoryBefore)
        let id = try Population.id(connections / 2)
        guard let opened, try opened.vault.status(id)?.nextRefresh != nil else {
            throw BenchmarkFailure("a connection that is not in the schedule")
        }
        opened.vault.close()
        return
            "\(measurement) \(opened.milliseconds) \(unverified.milliseconds) "
            + "\(Double(memory) / Double(connections))"
    }

    /// Opens the vault and reads a token at once.
    private func firstRead(
        readsUnverified: Bool
    ) async throws -> (vault: Vault, milliseconds: Double) {
        let start = Measurement.nanoseconds(CLOCK_MONOTONIC)
        let vault = try Population(home: home).openAtOnce(readsUnverified: readsUnverified)
        let id = try Population.id(connections / 2)
        let count = try await vault.withAccessToken(id) { $0.secret.count }
        guard count == Population.accessTokenBytes else {
            throw BenchmarkFailure("not the token that was put")
        }
        return (vault, (Measurement.nanoseconds(CLOCK_MONOTONIC) - start) / 1e6)
    }

    /// RssAnon of /proc/self/status (proc(5)), in bytes.
    private static func anonymousBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        guard let words = line?.split(whereSeparator: \.isWhitespace), words.count == 3,
            let kibibytes = Int(words[1])
        else { throw BenchmarkFailure("this kernel does not tell anonymous memory") }
        return kibibytes << 10
    }
}
