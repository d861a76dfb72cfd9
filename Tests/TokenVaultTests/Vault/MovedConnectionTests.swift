// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// How a connection has its tokens and what is its own, when it comes from elsewhere; and that what
/// an export holds is what an import takes.
@Suite struct MovedConnectionTests {
    private static func open(_ home: TestVault) async throws -> Vault {
        try await VaultImportTests.vault(home)
    }

    /// Exports all of a vault, and imports that into another.
    private static func move(
        _ vault: Vault, to second: Vault, _ path: String
    ) async throws -> (receipt: ExportReceipt, ends: [String]) {
        let pair = try ExportKey.makePair()
        let receipt = try await vault.export(to: path, sealedWith: .publicKey(pair.publicKey))
        var source = try LineSource(path: path, key: .privateKey(pair.privateKey.copy()))
        try source.verify { _ in }
        var ends: [String] = []
        while let batch = try source.next() {
            let text = batch.takeLines().exposed
            ends += try await VaultImportTests.run(second, text).values
        }
        return (receipt, ends)
    }

    private static func refreshToken(_ vault: Vault, _ id: String) throws -> String? {
        switch try vault.get(ConnectionID(id)) {
        case .none: return nil
        case .some(let stored):
            switch stored.tokens.refreshToken {
            case .none: return nil
            case .some(let token): return token.exposed
            }
        }
    }

    private static func grant(_ vault: Vault, _ id: String) throws -> GrantType? {
        try vault.status(ConnectionID(id))?.grant
    }

    static let clientLine =
        #"{"id":"own","application":"crm","access_token":"at","grant":"client_credentials","#
        + #""expires_at":"2036-01-01T00:00:00Z","created_at":1}"#
    static let plainLine =
        #"{"id":"own","application":"crm","access_token":"at-1","refresh_token":"rt-1"}"#

    @Test func aConnectionWithoutAPersonIsRenewedWhereItComesTo() async throws {
        let (home, other) = (try TestVault(), try TestVault())
        let (vault, second) = (try await Self.open(home), try await Self.open(other))
        #expect(try await VaultImportTests.run(vault, Self.clientLine) == [0: "imported"])
        #expect(try Self.grant(vault, "own") == .clientCredentials)
        let (receipt, ends) = try await Self.move(vault, to: second, home.path + ".moved")
        #expect(receipt.exported == 1 && ends == ["imported"])
        #expect(try Self.grant(second, "own") == .clientCredentials)
        #expect(try second.status(ConnectionID("own"))?.nextRefresh != nil)
        #expect(
            try VaultImportTests.picture(vault, "own") == VaultImportTests.picture(second, "own"))
    }

    @Test func aRefreshTokenReplacesAGrantThatHasNone() async throws {
        let home = try TestVault()
        let vault = try await Self.open(home)
        // What `connect` leaves that failed.
        let id = try ConnectionID("own")
        let application = try ApplicationID("crm")
        try await vault.configure(
            id, vault.store.key(.connection, id.text), application, vault.time.now(),
            grant: .clientCredentials)
        #expect(try Self.grant(vault, "own") == .clientCredentials)
        #expect(try await VaultImportTests.run(vault, Self.plainLine) == [0: "imported"])
        #expect(try Self.grant(vault, "own") == .authorizationCode)
        #expect(try Self.refreshToken(vault, "own") == "rt-1")
        #expect(
            try await VaultImportTests.run(vault, Self.clientLine, replacing: true)
                == [0: "imported"])
        #expect(try Self.grant(vault, "own") == .clientCredentials)
        #expect(try Self.refreshToken(vault, "own") == nil)
        #expect(
            try await VaultImportTests.run(vault, Self.plainLine, replacing: true)
                == [0: "imported"])
        #expect(try Self.grant(vault, "own") == .authorizationCode)
        #expect(try Self.refreshToken(vault, "own") == "rt-1")
    }

    @Test func anotherGrantIsNoSameConnection() async throws {
        let home = try TestVault()
        let vault = try await Self.open(home)
        #expect(try await VaultImportTests.run(vault, Self.clientLine) == [0: "imported"])
        #expect(try await VaultImportTests.run(vault, Self.clientLine) == [0: "alreadyThere"])
        let other = Self.clientLine.replacing(#","grant":"client_credentials""#, with: "")
        #expect(try await VaultImportTests.run(vault, other) == [0: "left"])
        #expect(try Self.grant(vault, "own") == .clientCredentials)
    }

    @Test func settingsThatAreLeftOutStay() async throws {
        let home = try TestVault()
        let vault = try await Self.open(home)
        let line = Self.plainLine.replacing("}", with: #","client_id":"c","client_secret":"s"}"#)
        #expect(try await VaultImportTests.run(vault, line) == [0: "imported"])
        let id = try ConnectionID("own")
        func replace(_ client: consuming ConnectionSettings.Client) async throws -> String? {
            let connection = PortableConnection(
                id: id, application: try ApplicationID("crm"),
                tokens: TokenSet(accessToken: try Secret(text: "at-2")),
                settings: ConnectionSettings(client: client))
            #expect(
                try await vault.importConnection(connection, replacing: true) == .imported)
            guard let opened = try vault.store.open(vault.store.key(.connection, id.text)) else {
                return nil
            }
            return opened.takeFields().text(ConnectionTag.ownClientID)
        }
        #expect(try await replace(.unchanged) == "c")
        #expect(try await replace(.application) == nil)
    }

    @Test func whatIsExportedIsImported() async throws {
        let (home, other) = (try TestVault(), try TestVault())
        let (vault, second) = (try await Self.open(home), try await Self.open(other))
        func put(_ id: String, _ token: String, scope: String? = nil) async throws {
            let token = try Secret(text: token)
            try await vault.put(
                ConnectionID(id), TokenSet(accessToken: token, scope: scope),
                application: ApplicationID("crm"))
        }
        // As long as a reply may have it.
        let long = String(repeating: "scope/", count: TokenSet.scopeBytesMax / 6)
        try await put("long", "at-1", scope: long)
        try await put("bell", "at-2", scope: "a\u{7}b")
        try await put("wide", "ä", scope: "a b")
        try await put("tab", "a\tb")
        try await put("plain", "at-3")
        let (receipt, ends) = try await Self.move(vault, to: second, home.path + ".moved")
        #expect(ends == ["imported", "imported"])
        #expect(receipt.exported == ends.count)
        #expect(
            receipt.refused == [
                LineFault("access_token", .wrongCharacter): 2,
                LineFault("scope", .wrongCharacter): 1,
            ])
        #expect(Set(try second.list().map(\.text)) == ["long", "plain"])
        #expect(try second.get(ConnectionID("long"))?.tokens.scope == long)
        #expect(SecretArena.shared.freeBlocksAreZero())
    }
}
