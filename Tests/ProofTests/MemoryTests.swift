// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What a process still holds of connections that are gone. The vault's process, the practice
/// server and the scanner are three programs; the tokens are known from the wire between the first
/// two.
///
/// The scanner reads all of the process's memory and every file of the vault's directory, and looks
/// for every 16 bytes of access tokens, refresh tokens, authorization codes, code verifiers and the
/// client secret: raw, base64, base64url, percent-encoded, UTF-16 and more; and of an `id_token`
/// that is longer than any block, in answers that come compressed.
@Suite struct MemoryTests {
    enum Scheme: String, CaseIterable {
        case http, https

        /// Only TLS reads a record as a whole, and keeps the rest of one that is longer than its
        /// answer says.
        var furtherStages: [String] {
            ["after_coded_answers"] + (self == .https ? ["after_untidy_answers"] : [])
        }
    }

    struct Proof: Decodable {
        struct Stage: Decodable {
            let needles: Int
            let copies: Int
            let kinds: [String: Int]
            let hits: [String]
        }

        let stages: [String: Stage]
        let state: [String: String]
        let lives: Int
        let peak: Int
    }

    func prove(_ scheme: Scheme, _ arguments: [String]) async throws -> Proof {
        let server = try Tool.executable("provider-simulator")
        let report = try await Tool.run(
            "memory_proof.py",
            ["--server", server] + arguments + (scheme == .https ? ["--https"] : []))
        try #require(report.status == 0)
        return try report.decoded()
    }

    func expectNothing(in proof: Proof, at stages: [String]) throws {
        for name in stages {
            let stage = try #require(proof.stages[name])
            #expect(stage.copies == 0, "\(name): \(stage.hits)")
        }
    }

    /// The arena is memory that the scanner can read, so that it finds the token while it is lent,
    /// once, and would find one that is left in a block. After one life, after 300, and after 64
    /// requests that were under way at the same time; and while a refresh is listened to: what was
    /// sent is gone, the refresh token and the client secret with it.
    @Test(arguments: Scheme.allCases)
    func aHostForgets(_ scheme: Scheme) async throws {
        let proof = try await prove(
            scheme,
            ["--subject", Tool.executable("proof-subject"), "--readable-arena"]
                + ["--lives", "300", "--parallel", "64", "--late-answer"])
        let lent = try #require(proof.stages["while_lent"])
        #expect(lent.kinds == ["access": 1], "\(lent.hits)")
        try expectNothing(
            in: proof,
            at: [
                "while_connected", "after_disconnect", "while_outstanding",
                "after_late_answer", "after_many_lives", "after_parallel_transfers",
            ] + scheme.furtherStages)
        #expect(proof.lives >= 365)
        #expect(proof.peak >= 64)
        let searched = try #require(proof.stages["after_parallel_transfers"]?.needles)
        #expect(searched > 4 * proof.lives)
        #expect(proof.state["curl"] == "true")
        #expect(proof.state["tls"] == "true")
    }

    /// In production nothing outside can read the arena, so its free blocks are looked at from
    /// inside.
    @Test func theArenaIsEmptyWhereNobodyCanLook() async throws {
        let proof = try await prove(
            .https, ["--subject", Tool.executable("proof-subject"), "--lives", "40"])
        try expectNothing(in: proof, at: ["after_disconnect", "after_many_lives"])
        #expect(proof.state["zero"] == "true")
    }

    /// The shipped executable, through its own subcommands and its socket, with as many requests at
    /// a time as it answers. It forgets the names of connections as well.
    @Test(arguments: Scheme.allCases)
    func theCommandForgets(_ scheme: Scheme) async throws {
        let proof = try await prove(
            scheme,
            ["--command", Tool.executable("tokenvault"), "--lives", "300", "--parallel", "8"])
        try expectNothing(
            in: proof,
            at: [
                "while_connected", "after_disconnect", "after_many_lives",
                "after_parallel_transfers",
            ] + scheme.furtherStages)
        #expect(proof.peak >= 8)
    }

    /// Plain allocators, no scrubbing: if the scanner does not find what these leave behind, its
    /// silence above means nothing.
    @Test(arguments: zip(["proof-subject", "tokenvault-leaky"], [Scheme.http, .https]))
    func carelessOnesAreFound(_ name: String, _ scheme: Scheme) async throws {
        let program = try Tool.executable(name)
        let proof = try await prove(
            scheme,
            name == "proof-subject" ? ["--subject", program, "--leaky"] : ["--command", program])
        let stage = try #require(proof.stages["after_disconnect"])
        for kind in ["access", "refresh", "client"] {
            #expect(stage.kinds[kind, default: 0] > 0, "no \(kind) among \(stage.hits)")
        }
        // What zlib leaves a busy server soon writes over.
        guard name == "proof-subject" else { return }
        let coded = try #require(proof.stages["after_coded_answers"])
        #expect(coded.kinds["identity", default: 0] > 0, "nothing of zlib's among \(coded.hits)")
    }
}
