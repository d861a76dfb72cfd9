// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What a salvage does beside copying records.
@Suite struct SalvageRuleTests {
    struct Report: Decodable {
        let intact: Bool
        let counts: [String: Int]?
    }

    private func counts(_ path: String, _ home: TestVault) async throws -> [String: Int] {
        let tool = try await Tool.run("vault_reader.py", [path, "--root-key-file", home.keyFile])
        return try #require(try tool.decoded(Report.self).counts)
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// A refresh whose answer nobody heard, and a disconnect that had begun.
    @Test func whatWasUnderWayIsCarriedOver() async throws {
        let wreck = try await Wreck()
        let (ann, bob) = (Wreck.small[3], Wreck.small[17])
        let before = try wreck.home.open()
        try await before.ready()
        let generation = try #require(try before.status(ConnectionID(ann))).generation
        let commit = Commit()
        let attempt = AttemptRecord(key: before.store.key(.connection, ann), generation: generation)
        commit.add(.beginBatch([attempt], SystemTime().now()))
        commit.add(.fence(before.store.key(.connection, bob)))
        _ = try await before.durable(commit)
        before.close()
        try wreck.flip(Wreck.small[5], 100)

        let path = "\(wreck.home.path)-new"
        let report = try Vault.salvage(
            wreck.home.path, into: path, rootKey: .file(wreck.home.keyFile))
        #expect(report.faults == [.recordAltered: 1])
        let there = try await counts(path, wreck.home)
        #expect(there["batches"] == 1)
        #expect(there["connections"] == wreck.tokens.count - 1)

        let after = try Vault.open(at: path, rootKey: .file(wreck.home.keyFile))
        defer { after.close() }
        try await after.ready()
        // The same tokens as far as an attempt is concerned that was made with them.
        let doubtful = try #require(try after.status(ConnectionID(ann)))
        #expect(doubtful.generation > generation)
        guard let record = try after.store.open(after.store.key(.connection, ann)) else {
            throw CocoaError(.fileNoSuchFile)
        }
        let since = ConnectionRecord(fields: record.takeFields()).tokensSince
        #expect(try #require(since) <= generation)
        for _ in 0..<500 where try after.status(ConnectionID(bob)) != nil {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try after.status(ConnectionID(bob)) == nil)
    }

    /// A copy says of each record since when it has its tokens: that takes 14 bytes more.
    @Test func aRecordWithoutRoomIsNamedAndTheOthersAreSaved() async throws {
        let wreck = try await Wreck()
        let before = try wreck.home.open()
        try await before.ready()
        for (index, id) in Wreck.small.prefix(3).enumerated() {
            let commit = Commit()
            commit.add(
                .revise(
                    before.store.key(.connection, id),
                    Revision(addedBytesMax: SealedRecord.plaintextBytesMax) {
                        (record, _) throws(VaultError) in
                        // With room for nothing, for a byte too few, and for all of it.
                        let room = [0, 13, 14][index] + Fields.headBytes
                        let filled = record.fields.bytes.byteCount + room
                        let filler = try Secret(zeroes: SealedRecord.plaintextBytesMax - filled)
                        try record.fields.set(999, filler.bytes)
                        return .change
                    }))
            _ = try await before.durable(commit)
        }
        before.close()

        let path = "\(wreck.home.path)-new"
        let report = try Vault.salvage(
            wreck.home.path, into: path, rootKey: .file(wreck.home.keyFile))
        #expect(report.notCopied == Array(Wreck.small.prefix(2)))
        #expect(report.isWhole && report.connections == wreck.tokens.count)
        let saved = try Vault.open(at: path, rootKey: .file(wreck.home.keyFile))
        defer { saved.close() }
        try await saved.ready()
        let there = Set(try saved.list().map(\.text))
        #expect(there == Set(wreck.tokens.keys).subtracting(report.notCopied))
        let lent = try await saved.withAccessToken(ConnectionID(Wreck.small[2])) { $0.exposed }
        #expect(lent == wreck.tokens[Wreck.small[2]])
    }

    @Test func aPassphraseOpensBoth() async throws {
        let home = try TestVault()
        let words = "correct horse battery staple"
        func source() throws -> RootKeySource { .passphrase(try Secret(text: words)) }
        try Vault.create(at: home.path, rootKey: source())
        let vault = try Vault.open(at: home.path, rootKey: source())
        try await vault.put(ConnectionID("ann"), TokenSet(accessToken: Secret(text: "a token")))
        vault.close()
        // A page that is intact but for its MAC, and asks for another salt.
        var page = Array(try home.bytes("HEADER")[4096...])
        page[70] ^= 1
        let sum = unsafe RecordKey(hashing: page.span.bytes.extracting(0..<4064))
        try home.overwrite("HEADER", at: 4096, page)
        try home.overwrite("HEADER", at: 8160, (0..<32).map { sum.bytes.byte(at: $0) })
        #expect(
            await code { _ = try Vault.open(at: home.path, rootKey: source()) } == .wrongRootKey)

        let path = "\(home.path)-new"
        let report = try Vault.salvage(home.path, into: path, rootKey: source())
        #expect(report.connections == 1 && !report.headerIsWhole)
        let saved = try Vault.open(at: path, rootKey: source())
        defer { saved.close() }
        let token = try await saved.withAccessToken(ConnectionID("ann")) { $0.exposed }
        #expect(token == "a token")
    }

    @Test func aKeyThatCanBeReadOnceIsEnough() async throws {
        let home = try TestVault()
        try home.create()
        let file = unsafe open(home.keyFile, O_RDONLY)
        let report = try Vault.salvage(
            home.path, into: "\(home.path)-new", rootKey: .descriptor(file))
        #expect(report.isWhole && report.opened == 0)
        let saved = try Vault.open(at: "\(home.path)-new", rootKey: .file(home.keyFile))
        try await saved.ready()
        saved.close()
    }

    @Test func whatCannotBeSalvagedMakesNoVault() async throws {
        let wreck = try await Wreck()
        let (old, path) = (wreck.home.path, "\(wreck.home.path)-new")
        func refusal(_ keyFile: String? = nil, from old: String = old) async -> VaultError.Code? {
            await code {
                _ = try Vault.salvage(
                    old, into: path, rootKey: .file(keyFile ?? wreck.home.keyFile))
            }
        }
        #expect(await refusal(try TestVault().keyFile) == .rootKeyUnusable, "its vault is gone")
        let other = try TestVault()
        #expect(await refusal(other.keyFile) == .wrongRootKey)
        #expect(await refusal(from: "\(old)-nowhere") == .vaultMissing)
        let owner = try wreck.home.open()
        #expect(await refusal() == .vaultLocked)
        owner.close()
        for name in ["SLOTS", "db/data.mdb"] {
            try FileManager.default.moveItem(atPath: "\(old)/\(name)", toPath: "\(old)-moved")
            #expect(await refusal() == .vaultIncomplete, "\(name)")
            try FileManager.default.moveItem(atPath: "\(old)-moved", toPath: "\(old)/\(name)")
        }
        let header = try wreck.home.bytes("HEADER")
        for page in [0, 4096] { try wreck.home.flip("HEADER", at: page + 500) }
        #expect(await refusal() == .headerDamaged)
        try wreck.home.overwrite("HEADER", at: 0, header)
        let database = try wreck.home.bytes(Wreck.database)
        for page in [0, 4096] { try wreck.home.flip(Wreck.database, at: page + 16) }
        #expect(await refusal() == .databaseDamaged)
        try wreck.home.overwrite(Wreck.database, at: 0, database)
        let names = try FileManager.default.contentsOfDirectory(
            atPath: URL(filePath: old).deletingLastPathComponent().path)
        #expect(Set(names) == ["vault", "root.key"], "nothing half-made is left")
        #expect(await refusal() == nil)
        #expect(await refusal() == .vaultExists)
        #expect(isThere(path))
    }
}
