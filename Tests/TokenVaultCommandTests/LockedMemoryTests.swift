// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A process that may lock no memory says so, or does not begin.
struct LockedMemoryTests {
    /// Without the limit, and without the right of root's to ignore it.
    private static var launcher: [String] {
        let limited = ["prlimit", "--memlock=0"]
        return geteuid() == 0 ? limited + ["setpriv", "--bounding-set", "-ipc_lock"] : limited
    }

    @Test func whoServesWithoutIsWarned() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let own = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            let memory = try #require(try own.objects().first?["memory"] as? String)
            #expect(["locked", "secret_memory"].contains(memory))
            let server = try bench.start(
                ["serve"] + bench.keyOptions, input: .open, through: Self.launcher)
            _ = try await server.line { $0 == "ready" }
            let status = try await bench.expect(["status", "anna", "--json"])
            #expect(try status.objects().first?["memory"] as? String == "unlocked")
            #expect(try await bench.expect(["status", "anna"]).text.contains("memory  "))
            server.terminate()
            let output = await server.end()
            #expect(output.status == 0)
            #expect(output.errors.contains("warning: memory cannot be locked"))
        }
    }

    @Test func whoDemandsItIsRefused() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let serve = ["serve", "--require-locked-memory"] + bench.keyOptions
            let refused = try bench.start(serve, input: .text(""), through: Self.launcher)
            let output = await refused.end()
            #expect(output.status == 77 && output.text.isEmpty)
            #expect(output.errors.contains("memory cannot be locked"))
            let server = try bench.start(serve, input: .open)
            _ = try await server.line { $0 == "ready" }
            server.terminate()
            #expect(await server.end().status == 0)
        }
    }
}
