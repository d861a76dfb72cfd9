// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// Connections that come from elsewhere, and what is there of them afterwards.
@Suite struct VaultImportTests {
    static func application(_ variables: [String: Provider.Variable] = [:]) throws -> Application {
        var provider = Provider(
            name: "practice", authorizationEndpoint: "https://as.example.com/authorize",
            tokenEndpoint: "https://as.example.com/token")
        provider.variables = variables
        return Application(
            id: try ApplicationID("crm"), provider: provider, clientID: "demo",
            clientSecret: try Secret(text: "s3cret"),
            redirectURI: "https://platform.example.com/callback", scopes: [])
    }

    static func vault(_ home: TestVault) async throws -> Vault {
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        try await vault.put(application())
        return vault
    }

    /// How many lines had which end.
    @discardableResult
    static func run(
        _ vault: Vault, _ text: String, replacing: Bool = false
    ) async throws -> [Int: String] {
        let lines = try Secret(text: text)
        var ends: [Int: String] = [:]
        for (line, result) in try await vault.importLines(
            lines, replacing: replacing, skipping: [])
        {
            switch result {
            case .done(let outcome): ends[line] = outcome.rawValue
            case .faulty(let fault): ends[line] = fault.problem.rawValue
            case .failed(let error): ends[line] = "\(error.code)"
            }
        }
        return ends
    }

    static func token(_ vault: Vault, _ id: String) throws -> String? {
        switch try vault.get(ConnectionID(id)) {
        case .none: nil
        case .some(let stored): stored.tokens.accessToken.exposed
        }
    }

    @Test func aBadLineHindersNoOther() async throws {
        let home = try TestVault()
        let vault = try await Self.vault(home)
        let ends = try await Self.run(
            vault,
            """
            {"id":"a","application":"crm","access_token":"at-a","refresh_token":"rt-a"}
            {"id":"b","application":"crm","access_token":"at-b","expires_at":"tomorrow"}

            {"id":"c","application":"none","access_token":"at-c"}\r
            {"id":"d","access_token":"at-d"}
            {"id":"e","application":"crm","access_token":"at-e","variables":{"shop":"x"}}
            """)
        #expect(
            ends == [
                0: "imported", 1: "notATime", 3: "applicationNotFound", 4: "imported",
                5: "invalidArgument",
            ])
        #expect(Set(try vault.list().map(\.text)) == ["a", "d"])
        #expect(try Self.token(vault, "a") == "at-a")
        // Scheduled at once, as any other: nobody says when it expires.
        let status = try #require(try vault.status(ConnectionID("a")))
        #expect(status.nextRefresh != nil && status.application?.text == "crm")
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test func whatHasMovedOnIsLeft() async throws {
        let home = try TestVault()
        let vault = try await Self.vault(home)
        let line = #"{"id":"a","application":"crm","access_token":"1","refresh_token":"r1"}"#
        #expect(try await Self.run(vault, line) == [0: "imported"])
        let generation = try vault.status(ConnectionID("a"))?.generation
        #expect(try await Self.run(vault, line) == [0: "alreadyThere"])
        #expect(try vault.status(ConnectionID("a"))?.generation == generation)
        // As a refresh does.
        try await vault.put(
            ConnectionID("a"),
            TokenSet(accessToken: Secret(text: "2"), refreshToken: Secret(text: "r2")))
        #expect(try await Self.run(vault, line) == [0: "left"])
        #expect(try Self.token(vault, "a") == "2")
        // The same access token with another refresh token.
        let mixed = line.replacing("\"1\"", with: "\"2\"")
        #expect(try await Self.run(vault, mixed) == [0: "left"])
        #expect(try await Self.run(vault, line, replacing: true) == [0: "imported"])
        #expect(try Self.token(vault, "a") == "1")
        // Two lines of one id: the first holds, also in one transaction.
        let two = [#"{"id":"b","access_token":"1"}"#, #"{"id":"b","access_token":"2"}"#]
        #expect(
            try await Self.run(vault, two.joined(separator: "\n")) == [0: "imported", 1: "left"])
        #expect(try Self.token(vault, "b") == "1")
    }

    @Test func oneConnectionIsImportedByItself() async throws {
        let home = try TestVault()
        let vault = try await Self.vault(home)
        func connection(_ token: String) throws -> PortableConnection {
            var history = PortableConnection.History()
            history.used = UnixTime(seconds: 1_764_500_000)
            history.account = "anna"
            return PortableConnection(
                id: try ConnectionID("a"), application: try ApplicationID("crm"),
                tokens: TokenSet(accessToken: try Secret(text: token)), history: history)
        }
        #expect(try await vault.importConnection(connection("1")) == .imported)
        #expect(try await vault.importConnection(connection("1")) == .alreadyThere)
        #expect(try await vault.importConnection(connection("2")) == .left)
        #expect(try await vault.importConnection(connection("2"), replacing: true) == .imported)
        let status = try #require(try vault.status(ConnectionID("a")))
        #expect(status.account == "anna" && status.light == .green)
        #expect(
            await code { _ = try await vault.importConnection(connection("ä")) }
                == .invalidArgument)
    }

    @Test func valuesThatAreMissingAreSaid() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        var application = try Self.application(["shop": Provider.Variable()])
        application.provider.tokenEndpoint = "https://as.example.com/{shop}/token"
        try await vault.put(application)
        let line = #"{"id":"a","application":"crm","access_token":"1"}"#
        #expect(try await Self.run(vault, line) == [0: "invalidArgument"])
        let whole = line.replacing("}", with: #","variables":{"shop":"x"}}"#)
        #expect(try await Self.run(vault, whole) == [0: "imported"])
        #expect(try vault.values(ConnectionID("a"))?.variables == ["shop": "x"])
    }

    /// What a status says, but for what is this vault's own.
    static func picture(_ vault: Vault, _ id: String) throws -> [String] {
        let id = try ConnectionID(id)
        let status = try #require(try vault.status(id))
        let values = try #require(try vault.values(id))
        guard let opened = try vault.store.open(vault.store.key(.connection, id.text)) else {
            return []
        }
        let record = ConnectionRecord(fields: opened.takeFields())
        var hash = try Secret(zeroes: 32)
        var output = hash.mutableBytes
        Sodium.hash(record.fields.bytes, into: &output)
        var tokens: [String] = []
        for tag in [
            ConnectionTag.accessToken, ConnectionTag.refreshToken, ConnectionTag.ownClientSecret,
        ] {
            switch try record.fields.secret(tag) {
            case .none: tokens.append("none")
            case .some(let secret): tokens.append(secret.exposed)
            }
        }
        return tokens + [
            hash.exposed, "\(status.light)", "\(String(describing: status.reason))",
            "\(status.nextStep)", "\(String(describing: status.accessTokenExpiry))",
            "\(status.expirySource)", "\(String(describing: status.refreshTokenExpiry))",
            "\(status.refreshCount)", "\(String(describing: status.lastUsed))",
            "\(values.variables) \(values.captured) \(values.hiddenNames)",
        ]
    }

    @Test func aRoundTripKeepsEverything() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        try await vault.put(Self.application(["shop": Provider.Variable(defaultValue: "none")]))
        let long = String(repeating: "x\\\\\\\"", count: 4000)
        try await Self.run(
            vault,
            """
            {"id":"full","application":"crm","access_token":"at-1","refresh_token":"rt-1",\
            "token_type":"bearer","scope":"a b","requested_scope":"a b c",\
            "expires_at":"2036-11-30T12:00:00.250Z","expiry_source":"expires_in",\
            "issued_at":1764500400.125,"refresh_token_expires_at":2111111111,\
            "created_at":1764500300.001,"connected_at":1764500301.010,\
            "refreshed_at":1764500400.5,"used_at":1764500500,"refresh_count":5,\
            "earlier_grants":1,"account":"anna","variables":{"shop":"x"},\
            "captured":{"realmId":"9"},"hidden":["shop"],"client_id":"c","client_secret":"s"}
            {"id":"plain","access_token":"at-2","issued_at":1,"created_at":1,"connected_at":1}
            {"id":"lost","application":"crm","access_token":"at-3","refresh_token":"rt-3",\
            "created_at":1,"grant_lost_at":1764500400,"grant_lost_status":400}
            {"id":"long","access_token":"\(long)","created_at":1}
            """)
        #expect(try vault.list().count == 4)
        let pair = try ExportKey.makePair()
        let path = home.path + ".moved"
        let receipt = try await vault.export(to: path, sealedWith: .publicKey(pair.publicKey))
        #expect(receipt == ExportReceipt(exported: 4))
        let other = try TestVault()
        try other.create()
        let second = try other.open()
        try await second.ready()
        try await second.put(Self.application(["shop": Provider.Variable(defaultValue: "none")]))
        var source = try LineSource(path: path, key: .privateKey(pair.privateKey.copy()))
        try source.verify { _ in }
        while let batch = try source.next() {
            let lines = batch.takeLines()
            for (_, result) in try await second.importLines(lines, replacing: false, skipping: []) {
                guard case .done(.imported) = result else {
                    Issue.record("\(result)")
                    continue
                }
            }
        }
        for id in ["full", "plain", "lost", "long"] {
            #expect(try Self.picture(vault, id) == Self.picture(second, id), "\(id)")
        }
        #expect(try second.status(ConnectionID("lost"))?.light == .red)
        #expect(try second.status(ConnectionID("full"))?.light == .green)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for secret in ["at-1", "rt-1", "full", "anna"] {
            #expect(bytes.range(of: Data(secret.utf8)) == nil)
        }
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test func anExportTakesWhatIsWanted() async throws {
        let home = try TestVault()
        let vault = try await Self.vault(home)
        var text = ""
        for number in 0..<300 {
            text += #"{"id":"n\#(number)","application":"crm","access_token":"at"}"# + "\n"
        }
        #expect(try await Self.run(vault, text).count == 300)
        _ = try await vault.connect(ConnectionID("open"), application: ApplicationID("crm"))
        let pair = try ExportKey.makePair()
        let receipt = try await vault.export(
            to: home.path + ".some", sealedWith: .publicKey(pair.publicKey)
        ) { $0.connection.text.hasSuffix("7") || $0.connection.text == "open" }
        #expect(receipt == ExportReceipt(exported: 30, notConnected: 1))
        let all = try await vault.export(
            to: home.path + ".all", sealedWith: .publicKey(pair.publicKey))
        #expect(all.exported == 300)
    }
}
