// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

@testable import TokenVaultCommand

/// `serve --metrics`: whether the process lives, whether it takes work, and what it does.
struct WatchTests {
    /// A vault that takes seconds to verify in a debug build.
    private static let manyConnections = 15_000

    private func answer(_ port: Int, _ path: String) throws -> (status: Int, body: String) {
        let text = try LoopbackHTTP(port: UInt16(port), controlKey: "none").send("GET", path)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        let status = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return (status, parts.count > 1 ? String(parts[1]) : "")
    }

    /// Waits until somebody answers.
    private func firstAnswer(
        _ server: Running, _ port: Int, _ path: String
    ) async throws -> (status: Int, body: String) {
        for _ in 0..<500 where server.isRunning {
            if let found = try? answer(port, path) { return found }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("nobody answers \(path)")
        throw CocoaError(.fileReadUnknown)
    }

    /// The value of a sample, by the line's beginning.
    private func value(_ sample: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
            .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    /// Makes a vault of many connections that need no refresh.
    private func fill(_ bench: Workbench, _ count: Int) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        let path = bench.folder.appending(path: "v").path
        let key = bench.folder.appending(path: "v.key").path
        let vault = try Vault.open(at: path, rootKey: .file(key))
        try await vault.ready()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= 512 { try await group.next() }
                group.addTask {
                    try await vault.put(
                        ConnectionID("connection-\(number)"),
                        TokenSet(accessToken: Secret(text: "token-\(number)")))
                }
            }
            try await group.waitForAll()
        }
        vault.close()
    }

    @Test func whatWasDoneIsCounted() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            let (port, front) = (try freePort(), try freePort())
            let options = ["--metrics", String(port), "--listen", "127.0.0.1:\(front)"]
            try await bench.serving(options) { server in
                #expect(try answer(port, "/health") == (200, "ok\n"))
                let ready = try await firstAnswer(server, port, "/ready")
                #expect(ready == (200, "ready\n"))
                try await bench.expect(["refresh", "anna"])
                bench.simulator.revoke(user: "ada")
                _ = try await bench.run(["refresh", "bert"])
                try await bench.expect(["use", "anna"])
                let page = try Running(
                    ["curl", "-s", "http://127.0.0.1:\(front)/callback/demo?code=a&state=b"],
                    in: bench.folder, input: .text(""), environment: [:])
                _ = await page.end()
                var text = try answer(port, "/metrics").body
                // The connections are counted behind the first who asks.
                for _ in 0..<250 where value("tokenvault_connections_age_seconds", in: text) == nil
                {
                    try await Task.sleep(for: .milliseconds(20))
                    text = try answer(port, "/metrics").body
                }
                let answers = "tokenvault_refresh_answers_total{application=\"demo\",verdict="
                let expected = [
                    (answers + "\"refreshed\"}", 1.0), (answers + "\"grant_lost\"}", 1),
                    (answers + "\"refused\"}", 0), ("tokenvault_ready", 1),
                    ("tokenvault_verified", 1), ("tokenvault_refresh_scheduled", 1),
                    ("tokenvault_refresh_backlog", 0), ("tokenvault_flows_open", 0),
                    ("tokenvault_connections{light=\"green\"}", 1),
                    ("tokenvault_connections{light=\"yellow\"}", 0),
                    ("tokenvault_connections{light=\"red\"}", 1),
                    ("tokenvault_events_total{kind=\"grantLost\"}", 1),
                    ("tokenvault_storage_refusing", 0),
                    ("tokenvault_build_info{version=\"\(TokenVaultCommand.version)\"}", 1),
                ]
                for (sample, count) in expected {
                    #expect(value(sample, in: text) == count, "\(sample) in \(text)")
                }
                #expect(value("tokenvault_commit_size_count", in: text) ?? 0 >= 4)
                #expect(value("tokenvault_commit_duration_seconds_sum", in: text) ?? 0 > 0)
                #expect(value("process_open_fds", in: text) ?? 0 > 5)
                #expect(value("tokenvault_disk_free_bytes", in: text) ?? 0 > 0)
                #expect(text.contains("tokenvault_front_requests_total{method=\"GET\""))
                #expect(text.contains("tokenvault_front_outcomes_total{outcome=\"callback refused"))
                #expect(!text.contains(Workbench.marker) && !text.contains(Workbench.clientSecret))
                try bench.write("metrics.txt", text)
                let promtool = try Running(
                    ["sh", "-c", "promtool check metrics <metrics.txt"], in: bench.folder,
                    input: .text(""), environment: [:])
                let lint = await promtool.end()
                #expect(lint.status == 0 && lint.text + lint.errors == "", "\(lint)")
            }
        }
    }

    @Test func readinessSaysWhyNot() async throws {
        try await Workbench.run({ $0.rotation = .rotating(grace: .zero) }) { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            bench.simulator.set(fault: .delayAfter(.seconds(4)), replies: 1)
            let port = try freePort()
            try await bench.serving(["--metrics", "127.0.0.1:\(port)"]) { server in
                _ = try await firstAnswer(server, port, "/ready")
                let refresh = try bench.start(["refresh", "anna"], input: .open)
                while try value(
                    "tokenvault_refresh_in_progress", in: answer(port, "/metrics").body) != 1
                { try await Task.sleep(for: .milliseconds(20)) }
                server.terminate()
                var last = try answer(port, "/ready")
                while last.status == 200 { last = try answer(port, "/ready") }
                #expect(last.status == 503 && last.body.hasPrefix("draining"))
                #expect(try answer(port, "/health").status == 200)
                let output = await refresh.end()
                #expect(output.status == 0, "\(output.errors)")
            }
        }
    }

    @Test func aTakenPortIsSaidBeforeReady() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let port = String(bench.simulator.baseURL.split(separator: ":")[2])
            let output = try await bench.expect(
                ["serve", "--metrics", port] + bench.keyOptions, status: 73)
            #expect(output.text.isEmpty)
            #expect(output.errors.contains("which --metrics says: Address already in use"))
            let usage = try await bench.expect(
                ["serve", "--metrics", "nonsense"] + bench.keyOptions, status: 64)
            #expect(usage.errors.contains("--metrics takes an address and a port"))
        }
    }

    /// While the records are verified it says how far that is, and it ends when it is told to.
    @Test func itEndsWithinTwoSecondsAlsoWhileItVerifies() async throws {
        try await Workbench.run { bench in
            try await fill(bench, Self.manyConnections)
            let port = try freePort()
            let server = try bench.start(
                ["serve", "--metrics", String(port)] + bench.keyOptions, input: .open)
            let unready = try await firstAnswer(server, port, "/ready")
            #expect(unready.status == 503, "too few records for this machine: \(unready)")
            #expect(unready.body.contains("verif"))
            #expect(try answer(port, "/health").status == 200)
            let clock = ContinuousClock()
            let start = clock.now
            server.terminate()
            let output = await server.end()
            #expect(clock.now - start < .seconds(2))
            #expect(output.status == 0 && output.text.isEmpty, "\(output.errors)")
            // Nothing was harmed.
            let list = try await bench.expect(["list"] + bench.keyOptions)
            #expect(list.text.split(separator: "\n").count >= Self.manyConnections)
        }
    }

    /// Before the group of services listens for signals, too: from the first thing that it does on.
    @Test func itEndsWellAlsoWhereItHasHardlyBegun() async throws {
        try await Workbench.run { bench in
            try await fill(bench, 2000)
            for milliseconds in [150, 300, 450, 600, 900] {
                let server = try bench.start(["serve"] + bench.keyOptions, input: .open)
                for _ in 0..<500 where !isCaught(SIGTERM, server.identifier) {
                    try await Task.sleep(for: .milliseconds(10))
                }
                try await Task.sleep(for: .milliseconds(milliseconds - 150))
                let start = ContinuousClock.now
                server.terminate()
                let output = await server.end()
                #expect(output.status == 0, "\(milliseconds) ms: \(output)")
                #expect(ContinuousClock.now - start < .seconds(2))
                let socket = bench.folder.appending(path: "v/control").path
                #expect(!FileManager.default.fileExists(atPath: socket))
            }
        }
    }

    /// Whether a process has a handler for a signal, as the kernel tells.
    private func isCaught(_ number: Int32, _ process: Int32) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
            .flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) }
        return (mask ?? 0) & (1 << UInt64(number - 1)) != 0
    }

    /// A server that others wrote finds what is here.
    @Test func prometheusScrapesIt() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let (port, itsPort) = (try freePort(), try freePort())
            try bench.write(
                "prometheus.yml",
                """
                global: {scrape_interval: 1s}
                scrape_configs:
                  - job_name: tokenvault
                    static_configs: [{targets: ["127.0.0.1:\(port)"]}]
                """)
            try await bench.serving(["--metrics", String(port)]) { _ in
                let prometheus = try Running(
                    ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]
                        + ["--web.listen-address=127.0.0.1:\(itsPort)", "--log.level=error"],
                    in: bench.folder, input: .text(""), environment: [:])
                var found = ""
                for _ in 0..<300 where !found.contains("\"1\"]") && prometheus.isRunning {
                    try await Task.sleep(for: .milliseconds(100))
                    let query = "/api/v1/query?query=tokenvault_ready"
                    found = (try? answer(itsPort, query).body) ?? ""
                }
                #expect(found.contains("\"instance\":\"127.0.0.1:\(port)\""), "\(found)")
                #expect(found.contains("\"1\"]"), "\(found)")
                prometheus.terminate()
                _ = await prometheus.end()
            }
        }
    }
}
