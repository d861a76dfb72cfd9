// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// The process that owns the vault, and the commands that go through its socket without the key.
struct ServeTests {
    @Test func theOtherCommandsNeedNoKey() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.serving { _ in
                try await bench.connect("anna", options: [])
                let output = try await bench.run(["token", "anna"], showsToken: true)
                #expect(output.status == 0)
                let token = String(output.text.dropLast())
                #expect(try await bench.works(token))
                try await bench.expect(["refresh", "anna"])
                let status = try await bench.expect(["status", "anna", "--json"])
                #expect(try status.objects().first?["refresh_count"] as? Int == 1)
                #expect(try status.objects().first?["next_refresh"] is String)
                #expect(try await bench.expect(["list"]).text.contains("yellow  anna  demo"))
                #expect(try await bench.expect(["app", "list"]).text.contains("practice"))
                try await bench.expect(
                    ["app", "add", "second", "--provider", "demo.yaml", "--client-id", "demo"]
                        + ["--client-secret-fd", "0", "--redirect-uri", bench.redirectURI],
                    input: Workbench.clientSecret)
                try await bench.expect(["app", "remove", "second"])
                try await bench.expect(["log", "anna"])
                let receipt = try await bench.expect(["disconnect", "anna", "--json"])
                #expect(try receipt.objects().first?["refresh_token"] as? String == "revoked")
                // The same codes come back through the socket.
                let missing = try await bench.expect(["status", "anna"], status: 66)
                #expect(missing.errors.contains("anna: there is no such connection"))
                try await bench.expect(["token", "anna"], status: 66)
                try await bench.expect(["connect", "x", "--app", "none"], status: 66)
                try await bench.expect(["log", "nobody"], status: 66)
                // A second owner there is not.
                try await bench.expect(["serve"] + bench.keyOptions, status: 75)
            }
            #expect(!FileManager.default.fileExists(atPath: bench.socketPath))
            try await bench.expect(["list"] + bench.keyOptions)
        }
    }

    @Test func tokensAreRefreshedOnTime() async throws {
        try await Workbench.run({ $0.accessLifetime = .seconds(3) }) { bench in
            try await bench.prepare()
            try await bench.serving { _ in
                try await bench.connect("anna", options: [])
                for _ in 0..<100 where bench.simulator.refreshRequests(forUser: "ada") < 2 {
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(bench.simulator.refreshRequests(forUser: "ada") >= 2)
            }
        }
    }

    @Test func aStaleSocketIsReplacedAndItsModeIsOurs() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let server = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            let attributes = try FileManager.default.attributesOfItem(atPath: bench.socketPath)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            // Killed, it leaves its socket behind.
            server.signal(SIGKILL)
            #expect(await server.end().status == -SIGKILL)
            #expect(FileManager.default.fileExists(atPath: bench.socketPath))
            try await bench.expect(["list"] + bench.keyOptions)
            try await bench.serving { _ in try await bench.expect(["list"]) }
        }
    }

    @Test func aVaultMayLieDeep() async throws {
        try await Workbench.run { bench in
            let deep = (0..<6).map { _ in String(repeating: "deep", count: 12) }
                .joined(separator: "/")
            try FileManager.default.createDirectory(
                at: bench.folder.appending(path: deep), withIntermediateDirectories: true)
            let vault = ["--vault", deep + "/v"]
            try await bench.expect(["init", "--key-file", "v.key", "--generate-key"] + vault)
            let server = try bench.start(["serve", "--key-file", "v.key"] + vault, input: .open)
            _ = try await server.line { $0 == "ready" }
            try await bench.expect(["list"] + vault)
            server.terminate()
            #expect(await server.end().status == 0)
        }
    }

    /// What a process of the same user may send instead of a request.
    @Test(
        "Nothing that is sent to the socket ends the server",
        arguments: [
            "", "M", "garbage", "M\\xff\\xff\\xff\\xff", "S\\x00\\x00\\x01\\x00",
            "M\\x02\\x00\\x00\\x00{}E\\x00\\x00\\x00\\x00",
            "M\\x0a\\x00\\x00\\x00{\"list\":{}",
            "M\\x0b\\x00\\x00\\x00{\"list\":{}}S\\xff\\xff\\xff\\x7f",
        ])
    func hostileRequests(bytes: String) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.serving { _ in
                let script = """
                    import socket, sys
                    s = socket.socket(socket.AF_UNIX)
                    s.connect("v/control")
                    s.sendall(b'''\(bytes)''')
                    s.shutdown(socket.SHUT_WR)
                    print(len(s.recv(4096)))
                    """
                let knock = try Running(
                    ["python3", "-c", script], in: bench.folder, input: .text(""),
                    environment: [:])
                #expect(await knock.end().status == 0)
                try await bench.expect(["list"])
            }
        }
    }
}

extension Workbench {
    var socketPath: String { folder.appending(path: "v/control").path }
}
