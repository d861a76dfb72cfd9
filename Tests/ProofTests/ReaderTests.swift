// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// A reader in another language, written after the document alone, opens what this library writes.
@Suite struct ReaderTests {
    struct Report: Decodable {
        struct Finding: Decodable {
            let `class`: String
            let `where`: String
        }

        struct Record: Decodable {
            let id: String
            let type: String
            let bytes: Int
            let slot: UInt32
            let generation: UInt64
            let term: UInt32
            let application: String?
            let expiry: Int64?
            let state: String?
            let values: [Field]
        }

        struct Flow: Decodable {
            let connection: String
            let application: String
            let values: [Field]
        }

        struct Event: Decodable {
            let number: Int
            let event: String
        }

        /// A name and a value; only values that are text matter here.
        struct Field: Decodable {
            let name: String
            let text: String?

            init(from decoder: any Decoder) throws {
                var parts = try decoder.unkeyedContainer()
                name = try parts.decode(String.self)
                text = try? parts.decode(String.self)
            }
        }

        let intact: Bool
        let problems: [Finding]
        let notes: [Finding]
        let counts: [String: Int]?
        let records: [Record]?
        let flows: [Flow]?
        let events: [Event]?
    }

    func read(_ home: TestVault, _ options: [String] = ["--reveal"]) async throws -> (
        status: Int32, report: Report
    ) {
        let tool = try await Tool.run(
            "vault_reader.py", [home.path, "--root-key-file", home.keyFile] + options)
        return (tool.status, try tool.decoded())
    }

    /// Lengths of access tokens whose records take each of the eight sizes.
    static let lengths = [20, 500, 1200, 3000, 6000, 12_000, 14_000, 16_384]

    /// A vault with connections of every size, an application, a flow and events; closed.
    func written() async throws -> (home: TestVault, tokens: [String: String]) {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let application = try ApplicationID("practice")
        var provider = Provider(
            name: "practice", authorizationEndpoint: "http://127.0.0.1:1/authorize",
            tokenEndpoint: "http://127.0.0.1:1/token")
        provider.tokenParameters = [Provider.Parameter("tenant", "seven")]
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: "the client's secret"),
                redirectURI: "https://platform.example/callback", scopes: ["read", "write"]))
        var tokens: [String: String] = [:]
        for (index, length) in Self.lengths.enumerated() {
            let id = "connection \(index)"
            let token = Marker.text(length)
            tokens[id] = token
            // From 14,000 on the refresh token is long as well: the two largest sizes.
            try await vault.put(
                ConnectionID(id),
                TokenSet(
                    accessToken: Secret(text: token),
                    refreshToken: Secret(text: Marker.text(length >= 14_000 ? length : 30)),
                    accessTokenExpiry: UnixTime(milliseconds: 1_900_000_000_000)),
                application: application)
        }
        _ = try await vault.connect(ConnectionID("connection 0"), application: application)
        _ = try await vault.connect(ConnectionID("not yet"), application: application)
        try await vault.delete(ConnectionID("connection 1"))
        tokens["connection 1"] = nil
        vault.close()
        return (home, tokens)
    }

    @Test func opensWhatTheLibraryWrites() async throws {
        let (home, tokens) = try await written()
        let (status, report) = try await read(home)
        #expect(status == 0)
        #expect(report.intact)
        #expect(report.problems.isEmpty && report.notes.isEmpty, "\(report.notes)")
        let counts = try #require(report.counts)
        #expect(counts["connections"] == 8)
        #expect(counts["applications"] == 1)
        #expect(counts["flows"] == 2)
        #expect(counts["slots_used"] == 9)
        #expect(counts["fences"] == 0 && counts["batches"] == 0)
        let records = try #require(report.records)
        for record in records where record.type == "connection" && record.id != "not yet" {
            #expect(record.state == "active")
            #expect(record.application == "practice")
            #expect(record.expiry == 1_900_000_000_000)
            let token = record.values.first { $0.name == "access token" }?.text
            #expect(token == tokens[record.id])
        }
        #expect(Set(records.map(\.id)) == Set(tokens.keys).union(["not yet", "practice"]))
        let sizes = Set(records.filter { $0.type == "connection" }.map(\.bytes))
        #expect(sizes == Set(SealedRecord.buckets).subtracting([978]))
        let application = try #require(records.first { $0.type == "application" })
        let secret = application.values.first { $0.name == "client secret" }?.text
        #expect(secret == "the client's secret")
        #expect(application.values.count { $0.name == "scope" } == 2)
        #expect(Set(try #require(report.flows).map(\.connection)) == ["connection 0", "not yet"])
        #expect(
            try #require(report.events).map(\.event)
                == Array(repeating: "tokens put", count: Self.lengths.count) + [
                    "connect started", "connect started", "disconnect started", "disconnected",
                ])
    }

    @Test func saysThatOneFlippedByteIsDamage() async throws {
        let (home, _) = try await written()
        let (_, before) = try await read(home)
        let record = try #require(before.records?.first { $0.id == "connection 3" })
        let slot = try home.bytes("SLOTS")
        try home.flip("SLOTS", at: Int(record.slot) * 128 + 100)
        #expect(
            try await problems(home) == ["slot.authentication", "record.noSlot"])
        try home.overwrite("SLOTS", at: 0, slot)
        #expect(try await problems(home) == [])

        try home.flip("HEADER", at: 200)
        #expect(try await problems(home) == ["header.damaged"])
        try home.flip("HEADER", at: 200)

        // A byte of the ciphertext, in every copy of its page that LMDB has left.
        let places = try home.places(of: record)
        #expect(!places.isEmpty)
        for place in places { try home.flip("db/data.mdb", at: place + 60) }
        #expect(try await problems(home) == ["record.authentication"])
    }

    private func problems(_ home: TestVault) async throws -> Set<String> {
        let (status, report) = try await read(home)
        #expect(status == (report.problems.isEmpty ? 0 : 1))
        return Set(report.problems.map(\.class))
    }

    @Test func opensWithAPassphrase() async throws {
        let home = try TestVault()
        let words = "correct horse battery staple"
        try Vault.create(at: home.path, rootKey: .passphrase(Secret(text: words)))
        let tool = try await Tool.run(
            "vault_reader.py", [home.path, "--passphrase"], input: words + "\n")
        #expect(tool.status == 0)
        #expect(try tool.decoded(Report.self).intact)
    }
}

/// Random text that nothing else holds.
enum Marker {
    static func text(_ length: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        return String((0..<length).map { _ in letters[Int.random(in: 0..<64)] })
    }
}

extension TestVault {
    func flip(_ name: String, at offset: Int) throws {
        try overwrite(name, at: offset, [try bytes(name)[offset] ^ 1])
    }

    /// Where the header of this version of a connection lies in the database.
    func places(of record: ReaderTests.Report.Record) throws -> [Int] {
        var header = Data([1, 1, SealedRecord.Kind.connection.rawValue, 0])
        for number in [UInt64(record.term) | UInt64(record.slot) << 32, 0, record.generation] {
            let count = number == 0 ? 4 : 8
            for byte in 0..<count { header.append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
        }
        let database = Data(try bytes("db/data.mdb"))
        var places: [Int] = []
        var rest = database.startIndex..<database.endIndex
        while let found = database.range(of: header, in: rest) {
            places.append(found.lowerBound)
            rest = found.upperBound..<database.endIndex
        }
        return places
    }
}
