// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

@testable import TokenVaultCommand

/// `serve --listen`: `ready` says that browsers are answered.
struct ListenTests {
    @Test(
        "Addresses to listen on",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1", UInt16(8080)), ("localhost:0", "localhost", 0),
            ("[::1]:8080", "::1", 8080), ("[::]:65535", "::", 65_535),
        ])
    func address(text: String, host: String, port: UInt16) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host && address.port == port)
    }

    @Test(
        "What is no address to listen on",
        arguments: [
            "", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
            "127.0.0.1:-1", "127.0.0.1:+1", "::1:8080", "[::1]", "[::1]8080", "[]:80",
            "[127.0.0.1]:80", "[::1:80",
        ])
    func noAddress(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try ListenAddress(text) }
        #expect(failure?.status == .usage)
    }

    private func answers(_ bench: Workbench, _ url: String) async throws -> String {
        let curl = try Running(
            ["curl", "-sg", url + "/health"], in: bench.folder, input: .text(""), environment: [:])
        return await curl.end().text
    }

    @Test func aTakenPortIsSaidBeforeReady() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let port = String(bench.simulator.baseURL.split(separator: ":")[2])
            let output = try await bench.expect(
                ["serve", "--listen", "127.0.0.1:\(port)"] + bench.keyOptions, status: 73)
            #expect(output.text.isEmpty)
            #expect(
                output.errors.contains("tokenvault: cannot listen on 127.0.0.1:\(port)"))
            #expect(output.errors.contains("Address already in use"))
            // One of no interface of this machine (RFC 5737).
            let elsewhere = try await bench.expect(
                ["serve", "--listen", "192.0.2.1:8080", "--public-url", "https://a.example"]
                    + bench.keyOptions, status: 73)
            #expect(elsewhere.text.isEmpty)
            try await bench.expect(["list"] + bench.keyOptions)
        }
    }

    /// The front takes a callback on its port, and leads the browser on to a page whose address has
    /// no code in it: there is nothing to paste.
    @Test func connectSaysWhatWorksBesideAFrontOnItsPort() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let connect = ["connect", "anna", "--app", "demo"]
            try await bench.serving(["--listen", "127.0.0.1:\(bench.port)"]) { _ in
                let refused = try await bench.expect(connect, status: 73)
                #expect(refused.errors.contains("start it without --listen or on another port"))
                #expect(!refused.errors.contains("give --paste"))
                let pasting = try bench.start(connect + ["--paste"], input: .open)
                let url = try await pasting.line { $0.hasPrefix("http") }
                let ended = try await Running(
                    ["curl", "-sLg", "-o", "/dev/null", "-w", "%{url_effective}"]
                        + [bench.simulator.approve(url)],
                    in: bench.folder, input: .text(""), environment: [:]
                ).end()
                #expect(ended.text.contains("/failed/") && !ended.text.contains("code="))
                try pasting.type(ended.text + "\n")
                #expect(await pasting.end().status == 65)
            }
            try await bench.serving([]) { _ in
                let listening = try bench.start(connect, input: .open)
                let url = try await listening.line { $0.hasPrefix("http") }
                _ = try await Running(
                    ["curl", "-sg", bench.simulator.approve(url)],
                    in: bench.folder, input: .text(""), environment: [:]
                ).end()
                #expect(await listening.end().status == 0)
            }
        }
    }

    @Test(
        "Browsers are answered when it is ready",
        arguments: [
            ("127.0.0.1", [], ["127.0.0.1"]), ("[::1]", [], ["[::1]"]),
            ("[::]", ["--public-url", "https://a.example"], ["[::1]", "127.0.0.1"]),
        ] as [(String, [String], [String])])
    func ready(host: String, options: [String], reached: [String]) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            // Taken by nobody: the redirect URI's, on which nobody waits here.
            let server = try bench.start(
                ["serve", "--listen", "\(host):\(bench.port)"] + options + bench.keyOptions,
                input: .open)
            _ = try await server.line { $0 == "ready" }
            for host in reached {
                #expect(try await answers(bench, "http://\(host):\(bench.port)") == "ok\n")
            }
            server.terminate()
            let output = await server.end()
            #expect(output.status == 0, "\(output.errors)")
            #expect(output.text == "ready\n")
        }
    }
}
