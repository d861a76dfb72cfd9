// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// A success that cannot be used stops a connection until an operator says so.
struct RetryTests {
    /// A vault whose connections have an answer each that names a token twice.
    private func unread(
        _ ids: [String], _ body: (Workbench) async throws -> Void
    ) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ids { try await bench.connect(id) }
            bench.simulator.set(fault: .duplicateAccessToken)
            for id in ids {
                let refused = try await bench.expect(
                    ["refresh", id] + bench.keyOptions, status: 69)
                #expect(refused.errors.contains("`tokenvault retry"))
            }
            bench.simulator.set(fault: nil)
            try await body(bench)
        }
    }

    @Test func oneGoesOn() async throws {
        try await unread(["anna"]) { bench in
            let status = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(status.text.contains("tokenvault retry"))
            // Nothing else presents the old token.
            let before = bench.simulator.refreshRequests(forUser: "ada")
            try await bench.expect(["refresh", "anna"] + bench.keyOptions, status: 69)
            #expect(bench.simulator.refreshRequests(forUser: "ada") == before)
            let output = try await bench.expect(["retry", "anna"] + bench.keyOptions)
            #expect(output.text == "anna refreshed\n")
            #expect(bench.simulator.refreshRequests(forUser: "ada") == before + 1)
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
        }
    }

    @Test func allOfAnApplicationGoOn() async throws {
        try await unread(["anna", "bert"]) { bench in
            try await bench.connect("carl")
            let output = try await bench.expect(["retry", "--app", "demo"] + bench.keyOptions)
            #expect(
                output.text.split(separator: "\n").sorted() == ["anna refreshed", "bert refreshed"])
            let again = try await bench.expect(["retry", "--app", "demo"] + bench.keyOptions)
            #expect(again.text == "no connection of demo waits for this\n")
            try await bench.expect(["retry", "--app", "none"] + bench.keyOptions, status: 66)
            try await bench.expect(["retry"] + bench.keyOptions, status: 64)
            try await bench.expect(
                ["retry", "anna", "--app", "demo"] + bench.keyOptions, status: 64)
        }
    }

    @Test func allOfAnApplicationAreWaitedForAloud() async throws {
        try await unread(["anna"]) { bench in
            bench.simulator.set(fault: .delayAfter(.seconds(6)), replies: 1)
            let output = try await bench.expect(["retry", "--app", "demo"] + bench.keyOptions)
            #expect(output.text == "anna refreshed\n")
            #expect(output.errors.contains("demo: waiting for the provider's answers"))
        }
    }

    @Test func whatFailsAgainIsNamed() async throws {
        try await unread(["anna", "bert"]) { bench in
            bench.simulator.set(fault: .status(503, retryAfter: nil))
            let output = try await bench.expect(
                ["retry", "--app", "demo"] + bench.keyOptions, status: 69)
            #expect(output.errors.contains("anna: the provider answered that it is busy"))
            #expect(output.errors.contains("2 of 2 failed"))
        }
    }
}
