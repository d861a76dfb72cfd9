// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// A reader in another language, written after the article ImportAndExport alone, opens what this
/// library seals, and both open the article's own vector.
@Suite struct ExportReaderTests {
    struct Finding: Decodable {
        struct Line: Decodable {
            let id: String
            let grant: String
            let accessToken: String

            enum CodingKeys: String, CodingKey {
                case id
                case grant
                case accessToken = "access_token"
            }
        }

        let end: String
        let lines: [Line]
    }

    private static let article = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/TokenVault/TokenVault.docc/ImportAndExport.md")

    /// The private key and the bytes of the article's vector.
    private static func vector() throws -> (key: String, bytes: [UInt8]) {
        let text = try String(contentsOf: article, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "### A test vector").last)
        let lines = section.split(separator: "\n").filter { $0.hasPrefix("    ") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let digits = lines.dropFirst().joined()
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { offset in
            UInt8(digits.dropFirst(offset).prefix(2), radix: 16)
        }
        return (try #require(lines.first), bytes)
    }

    private static func application() throws -> Application {
        Application(
            id: try ApplicationID("crm"),
            provider: Provider(
                name: "practice", authorizationEndpoint: "https://as.example.com/authorize",
                tokenEndpoint: "https://as.example.com/token"),
            clientID: "demo", clientSecret: try Secret(text: "s3cret"),
            redirectURI: "https://platform.example.com/callback", scopes: [])
    }

    private func read(_ path: String, _ key: [String]) async throws -> Finding {
        try await Tool.run("export_reader.py", [path] + key).decoded()
    }

    @Test func bothReadTheVectorOfTheArticle() async throws {
        let home = try TestVault()
        let (key, bytes) = try Self.vector()
        #expect(bytes.count == 334)
        try TestVault.write(bytes, to: home.path + ".vector", mode: 0o600)
        try TestVault.write(Array(key.utf8), to: home.path + ".private", mode: 0o600)
        let finding = try await read(
            home.path + ".vector", ["--private-key-file", home.path + ".private"])
        #expect(finding.end == "whole" && finding.lines.map(\.id) == ["anna"])
        var source = try LineSource(
            path: home.path + ".vector",
            key: .privateKey(Secret(contentsOfFile: home.path + ".private")))
        try source.verify { _ in }
        switch try source.next() {
        case .none: Issue.record("nothing is in it")
        case .some(let batch):
            let lines = batch.takeLines()
            #expect(lines.exposed == #"{"id":"anna","access_token":"at-1"}"# + "\n")
        }
    }

    @Test func theReaderOpensWhatIsExported() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        for number in 0..<200 {
            let filling = String(repeating: "x", count: 700)
            try await vault.put(
                ConnectionID("c\(number)"),
                TokenSet(accessToken: Secret(text: "at-\(number)\(filling)")))
        }
        let own = try Secret(
            text: #"{"id":"own","application":"crm","access_token":"at-own","#
                + #""grant":"client_credentials"}"#)
        try await vault.put(Self.application())
        _ = try await vault.importLines(own, replacing: false, skipping: [])
        let words = home.path + ".words"
        try TestVault.write(Array("correct horse\n".utf8), to: words, mode: 0o600)
        _ = try await vault.export(
            to: home.path + ".a", sealedWith: .passphrase(Secret(contentsOfFile: words)))
        let finding = try await read(home.path + ".a", ["--passphrase-file", words])
        #expect(finding.end == "whole")
        let people = finding.lines.filter { $0.grant == "authorization_code" }
        #expect(Set(people.map(\.id)) == Set((0..<200).map { "c\($0)" }))
        #expect(
            finding.lines.filter { $0.grant == "client_credentials" }.map(\.id) == ["own"])
        #expect(people.allSatisfy { $0.accessToken.hasPrefix("at-" + $0.id.dropFirst()) })
        let bytes = try Data(contentsOf: URL(fileURLWithPath: home.path + ".a"))
        try TestVault.write(
            Array(bytes.dropLast(21)), to: home.path + ".cut", mode: 0o600)
        #expect(
            try await read(home.path + ".cut", ["--passphrase-file", words]).end == "damaged")
    }
}
