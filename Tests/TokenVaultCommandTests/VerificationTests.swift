// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Nothing is done with a store that does not verify, but to read where somebody insists.
struct VerificationTests {
    /// A vault with the connections `anna` and `bert`, of which `bert` has lost his key slot.
    private func damaged(_ body: (Workbench) async throws -> Void) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            let file = bench.folder.appending(path: "v/SLOTS")
            var slots = try Data(contentsOf: file)
            let used = stride(from: 0, to: slots.count, by: 128).filter { start in
                slots[start..<start + 128].contains { $0 != 0 }
            }
            try #require(used.count == 3)
            slots.replaceSubrange(used[2]..<used[2] + 128, with: Data(count: 128))
            // In place, as somebody does who has the files and not the key.
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: slots)
            try handle.close()
            try await body(bench)
        }
    }

    @Test func oneDamagedRecordStopsEveryCommand() async throws {
        try await damaged { bench in
            let commands = [
                ["list"], ["status", "anna"], ["token", "anna"], ["refresh", "anna"],
                ["log", "anna"], ["disconnect", "anna"], ["app", "list"],
                ["app", "remove", "demo"], ["connect", "carl", "--app", "demo", "--paste"],
                ["serve"],
            ]
            for command in commands {
                let output = try await bench.expect(command + bench.keyOptions, status: 65)
                #expect(output.text.isEmpty, "\(command)")
            }
        }
    }

    @Test func whoWantsToReadAllTheSameIsWarned() async throws {
        try await damaged { bench in
            let unverified = ["--read-unverified"] + bench.keyOptions
            let token = try await bench.run(["token", "anna"] + unverified, showsToken: true)
            #expect(token.status == 0 && token.text.hasPrefix(Workbench.marker))
            #expect(token.errors.contains("warning: the store is not verified"))
            for command in [["status", "anna"], ["log", "anna"], ["app", "list"]] {
                let output = try await bench.expect(command + unverified)
                #expect(output.errors.contains("warning: the store is not verified"))
            }
            try await bench.expect(["status", "bert"] + unverified, status: 65)
            // What writes or sends has no such option.
            for command in [["refresh", "anna"], ["disconnect", "anna"]] {
                try await bench.expect(command + unverified, status: 64)
            }
            // A token that has to be refreshed first is none to read.
            try await bench.expect(
                ["token", "anna", "--min-ttl", "86400"] + unverified, status: 65)
        }
    }

    @Test(arguments: [false, true]) func aServerCanReadAllTheSame(listens: Bool) async throws {
        try await damaged { bench in
            let front = listens ? ["--listen", "127.0.0.1:\(bench.port)"] : []
            let output = try await bench.serving(["--read-unverified"] + front) { _ in
                let token = try await bench.run(["token", "anna"], showsToken: true)
                #expect(token.status == 0 && token.text.hasPrefix(Workbench.marker))
                try await bench.expect(["refresh", "anna"], status: 65)
            }
            #expect(output.status == 0 && output.text == "ready\n")
            #expect(output.errors.contains("warning: the store is not verified"))
            #expect(output.errors.contains("warning: reading only"))
        }
    }
}
