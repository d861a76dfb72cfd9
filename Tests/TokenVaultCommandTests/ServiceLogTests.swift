// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

@testable import TokenVaultCommand

/// What `serve` writes on stderr: a line each, whatever an id is made of (`security.md` L5).
struct ServiceLogTests {
    private static let hostile =
        "a\r\nb\u{1b}[31m\u{2028}\u{202e}\"quoted\\\" level=error \u{7f}\u{85}"

    private func isPrintable(_ line: String) -> Bool {
        line.unicodeScalars.allSatisfy { $0.isPrintable }
    }

    @Test func aTextLineStaysALine() {
        let line = ServiceLog(.text).line(
            .info, "connected", [("connection", .text(Self.hostile)), ("number", .number(-7))],
            at: UnixTime(milliseconds: 0))
        #expect(isPrintable(line), "\(line)")
        #expect(line.hasPrefix("1970-01-01T00:00:00.000Z info connected connection=\"a\\u000d"))
        #expect(line.hasSuffix(" number=-7"))
        // What it quotes is JSON, so that nothing in it can be taken for another field.
        let plain = ServiceLog(.text).line(.info, "x", [("connection", .text("customer-7/crm"))])
        #expect(plain.hasSuffix(" info x connection=customer-7/crm"))
    }

    @Test func aJSONLineIsOneObject() throws {
        let line = ServiceLog(.json).line(
            .warning, "grantLost", [("connection", .text(Self.hostile)), ("number", .number(400))])
        #expect(isPrintable(line), "\(line)")
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        let object = try #require(value as? [String: Any])
        #expect(object["connection"] as? String == Self.hostile)
        #expect(object["number"] as? Int == 400)
        #expect(object["level"] as? String == "warning")
        #expect(object["event"] as? String == "grantLost")
    }

    /// A whole life, with an id that reorders what a terminal shows.
    @Test(arguments: [ServiceLog.Format.text, .json])
    func whatHappensIsToldWithoutASecret(_ format: ServiceLog.Format) async throws {
        let id = "an\u{202e}na \"1\""
        try await Workbench.run { bench in
            try await bench.prepare()
            let port = try freePort()
            let server = try bench.start(
                ["serve", "--log-format", format.rawValue, "--listen", "127.0.0.1:\(port)"]
                    + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            try await bench.connect(id, options: [])
            bench.simulator.revoke(user: "ada")
            _ = try await bench.run(["refresh", id])
            let page = try Running(
                ["curl", "-s", "http://127.0.0.1:\(port)/callback/demo?code=c0de&state=st4te"],
                in: bench.folder, input: .text(""), environment: [:])
            _ = await page.end()
            _ = try await bench.run(["disconnect", id, "--yes"])
            server.terminate()
            let output = await server.end()
            #expect(output.status == 0)
            let lines = output.errors.split(separator: "\n").map(String.init)
            for line in lines { #expect(isPrintable(line), "\(line)") }
            #expect(!output.errors.contains("c0de") && !output.errors.contains("st4te"))
            let kinds = ["connectStarted", "connected", "grantLost", "disconnected", "front"]
            switch format {
            case .text:
                for kind in kinds {
                    #expect(lines.contains { $0.contains(" \(kind) ") }, "\(kind)")
                }
                #expect(output.errors.contains("connection=\"an\\u202ena \\\"1\\\"\""))
            case .json:
                let objects = try lines.map { line in
                    try #require(
                        JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                }
                let told = Set(objects.compactMap { $0["event"] as? String })
                #expect(told.isSuperset(of: kinds), "\(told)")
                let lost = try #require(objects.first { $0["event"] as? String == "grantLost" })
                #expect(lost["connection"] as? String == id && lost["number"] as? Int == 400)
            }
        }
    }

}
