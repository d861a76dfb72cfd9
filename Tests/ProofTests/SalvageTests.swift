// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// Vaults that were damaged by a hand without a key: whatever the independent reader still opens is
/// in the new vault, word for word, and the old one is as it was.
@Suite struct SalvageTests {
    struct Report: Decodable {
        struct Record: Decodable {
            let id: String?
            let type: String
            let values: [Field]?
        }

        struct Field: Decodable, Hashable {
            let name: String
            let value: Value

            init(from decoder: any Decoder) throws {
                var parts = try decoder.unkeyedContainer()
                name = try parts.decode(String.self)
                value = try parts.decode(Value.self)
            }
        }

        enum Value: Decodable, Hashable {
            case text(String), number(Int64), parts([String]), other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self = .text(text)
                } else if let number = try? container.decode(Int64.self) {
                    self = .number(number)
                } else if let parts = try? container.decode([String].self) {
                    self = .parts(parts)
                } else {
                    self = .other
                }
            }
        }

        let intact: Bool
        let records: [Record]?

        /// What each record says, but for which of its generations says so.
        var opened: [String: [Field]] {
            var opened: [String: [Field]] = [:]
            for record in records ?? [] {
                guard let id = record.id, let values = record.values else { continue }
                opened["\(record.type) \(id)"] = values.filter {
                    !$0.name.hasPrefix("oldest generation")
                }
            }
            return opened
        }

        func token(_ id: String) -> String? {
            guard let values = opened["connection \(id)"],
                case .text(let text)? = values.first(where: { $0.name == "access token" })?.value
            else { return nil }
            return text
        }
    }

    func read(_ path: String, _ home: TestVault) async throws -> Report {
        let tool = try await Tool.run(
            "vault_reader.py", [path, "--root-key-file", home.keyFile, "--reveal"])
        return try tool.decoded()
    }

    @Test(arguments: Damage.allCases)
    func whatOpensIsInTheNewVault(_ damage: Damage) async throws {
        let wreck = try await Wreck()
        let lost = try damage.inflict(on: wreck)
        let before = try await read(wreck.home.path, wreck.home)
        let unseen: Set<Damage> = [
            .none, .openDirectory, .longSlots, .missingLock, .leafOfAnotherPage,
        ]
        #expect(before.intact == unseen.contains(damage))
        let files = try wreck.files()
        let path = "\(wreck.home.path)-new"

        let audit = try Vault.audit(wreck.home.path, rootKey: .file(wreck.home.keyFile))
        let report = try Vault.salvage(
            wreck.home.path, into: path, rootKey: .file(wreck.home.keyFile))
        #expect(audit == report)
        // The mode of the directory and a longer SLOTS are nothing to the records.
        let harmless: Set<Damage> = [.none, .openDirectory, .longSlots, .missingLock]
        #expect(report.isDamaged != harmless.contains(damage), "\(report)")
        // Other commands refuse these all the same.
        let refused: Set<Damage> = [.openDirectory, .missingLock, .longSlots]
        #expect((report.obstacle != nil) == refused.contains(damage))
        #expect(report.isWhole == !(report.isDamaged || report.obstacle != nil))
        #expect(try wreck.files() == files)

        let after = try await read(path, wreck.home)
        #expect(after.intact)
        for (record, values) in before.opened {
            #expect(after.opened[record] == values, "\(record)")
        }
        #expect(report.opened == after.opened.count)
        if let lost {
            let all = Set(wreck.tokens.keys).union([Wreck.application])
            let ids = Set(after.opened.keys.map { String($0.drop { $0 != " " }.dropFirst()) })
            #expect(ids == all.subtracting(lost))
            #expect(before.opened.count == ids.count, "the reader opens as many")
        } else if damage != .branchIntoItself {
            // A page that was left may be the root by now: then nothing is reached.
            #expect(report.damagedPages > 0)
        }
        try await expectUsable(path, wreck, after, damage)
    }

    /// The library opens the new vault, verifies it, and lends and writes there.
    private func expectUsable(
        _ path: String, _ wreck: Wreck, _ report: Report, _ damage: Damage
    ) async throws {
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: path, rootKey: .file(wreck.home.keyFile), settings: settings)
        defer { vault.close() }
        try await vault.ready()
        for (id, token) in wreck.tokens {
            guard let there = report.token(id) else { continue }
            let isEarlier = damage == .replayedRecord && id == Wreck.renewed
            #expect(there == (isEarlier ? wreck.earlier.token : token))
            let lent = try await vault.withAccessToken(ConnectionID(id)) { $0.exposed }
            #expect(lent == there)
        }
        try await vault.put(ConnectionID("new"), TokenSet(accessToken: Secret(text: "new token")))
        // A generation that somebody remembers of the old vault is none of another version here.
        let status = try #require(try vault.status(ConnectionID("new")))
        #expect(status.generation > UInt64(wreck.tokens.count))
    }
}
