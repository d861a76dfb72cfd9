// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `tokenvault audit`, and what it saves of a vault in which nothing can be written any more.
struct AuditTests {
    /// A vault with the connections `anna` and `bert`.
    private func connected(_ body: (Workbench) async throws -> Void) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            try await body(bench)
        }
    }

    private static let key = ["--key-file", "v.key"]

    @Test func aWholeVaultIsSaidToBeOne() async throws {
        try await connected { bench in
            let audit = try await bench.expect(["audit"] + Self.key)
            #expect(audit.text.contains("open: 2 connections and 1 applications"))
            #expect(audit.text.contains("counted 3 records, and it matches"))
            let report = try await bench.expect(["audit", "--json"] + Self.key).objects()
            #expect(report.first?["is_whole"] as? Bool == true)
            // Whoever serves it owns it.
            let server = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            try await bench.expect(["audit"] + Self.key, status: 75)
            server.terminate()
            _ = await server.end()
        }
    }

    @Test func whatOpensIsSavedAndUsed() async throws {
        try await connected { bench in
            let before = try await bench.run(
                ["token", "anna"] + bench.keyOptions, showsToken: true)
            let file = bench.folder.appending(path: "v/SLOTS")
            var slots = try Data(contentsOf: file)
            slots.replaceSubrange(2 * 128..<3 * 128, with: Data(count: 128))
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: slots)
            try handle.close()
            try await bench.expect(["list"] + bench.keyOptions, status: 65)

            let salvage = ["audit", "--salvage", "w/", "--json"] + Self.key
            let output = try await bench.expect(salvage, status: 65)
            let report = try #require(try output.objects().first)
            #expect(report["connections"] as? Int == 1 && report["applications"] as? Int == 1)
            #expect(report["unopened"] as? [String: Int] == ["key_slot_empty": 1])
            #expect(report["expected"] as? Int == 3)
            #expect(report["salvaged_to"] as? String == "w")
            #expect(output.errors.contains("the old vault is damaged"))
            // Never over something that is there.
            try await bench.expect(salvage, status: 73)
            try await bench.expect(["audit", "--salvage", "x", "--key-fd", "0"], status: 77)

            let new = ["--vault", "w"] + bench.keyOptions
            let token = try await bench.run(["token", "anna"] + new, showsToken: true)
            #expect(token.status == 0 && token.text == before.text)
            try await bench.expect(["refresh", "anna"] + new)
            try await bench.expect(["status", "bert"] + new, status: 66)
            try await bench.expect(["disconnect", "anna", "--yes"] + new)
            try await bench.expect(["audit", "--vault", "w"] + Self.key)
        }
    }
}
