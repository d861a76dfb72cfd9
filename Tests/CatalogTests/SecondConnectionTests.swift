// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVault

/// One consent that brings the tokens of two: Slack's bot, and the user who installs it.
@Suite(
    "A second connection in one answer", .serialized,
    .enabled(if: PlayedCertificate.canListen, "this user may not listen on port 443"))
struct SecondConnectionTests {
    private static let certificate = Result { try PlayedCertificate() }
    private static let second = "ada.user"

    private static func stage(
        _ userScopes: [String] = ["search:read", "users:read"]
    ) async throws -> PlayedStage {
        let slack = try #require(ShippedProvider.all.first { $0.name == "slack" })
        return try await PlayedStage(slack, certificate.get(), userScopes: userScopes)
    }

    @Test("Both are refreshed, each by its own token", .timeLimit(.minutes(1)))
    func refresh() async throws {
        let stage = try await Self.stage()
        let bot = try await stage.connect()
        let user = try ConnectionID(Self.second)
        let status = try #require(try stage.vault.status(user))
        #expect(status.grantedScope == "search:read,users:read")
        // It was asked for in a parameter of its own: nothing is missing.
        #expect(status.missingScopes.isEmpty && status.extraScopes.isEmpty)
        #expect(try stage.vault.status(bot)?.grantedScope == "chat:write,users:read")
        #expect(status.light == .yellow)
        let team = try stage.vault.values(bot)?.captured["team_id"]
        #expect(try team != nil && stage.vault.values(user)?.captured["team_id"] == team)
        for _ in 0..<3 {
            for id in [bot, user] {
                let before = try await stage.token(id)
                try await stage.vault.refresh(id)
                let after = try await stage.token(id)
                #expect(before != after)
                #expect(after.contains(id == bot ? "xoxb-" : "xoxp-"))
            }
        }
        await stage.close()
    }

    @Test("Disconnecting the one leaves the other", .timeLimit(.minutes(1)))
    func disconnect() async throws {
        let stage = try await Self.stage()
        let bot = try await stage.connect()
        let user = try ConnectionID(Self.second)
        let receipt = try await stage.vault.disconnect(bot)
        #expect(receipt.accessToken == .revoked)
        try await stage.vault.refresh(user)
        #expect(try await stage.token(user).contains("xoxp-"))
        let other = try await stage.vault.disconnect(user)
        #expect(other.accessToken == .revoked)
        #expect(try stage.vault.status(user) == nil)
        await stage.close()
    }

    @Test("Connecting again renews both", .timeLimit(.minutes(1)))
    func again() async throws {
        let stage = try await Self.stage()
        let bot = try await stage.connect()
        let user = try ConnectionID(Self.second)
        let before = [try await stage.token(bot), try await stage.token(user)]
        _ = try await stage.connect()
        let after = [try await stage.token(bot), try await stage.token(user)]
        #expect(Set(before + after).count == 4)
        await stage.close()
    }

    @Test("Without a user's scopes there is one connection", .timeLimit(.minutes(1)))
    func none() async throws {
        let stage = try await Self.stage([])
        _ = try await stage.connect()
        #expect(try stage.vault.list().map(\.text) == ["ada"])
        await stage.close()
    }

    @Test("A connection of another application keeps its name", .timeLimit(.minutes(1)))
    func foreign() async throws {
        let stage = try await Self.stage()
        let user = try ConnectionID(Self.second)
        let tokens = TokenSet(accessToken: try Secret(text: "somebody-else's"))
        try await stage.vault.put(user, tokens)
        let error = await #expect(throws: VaultError.self) {
            _ = try await stage.connect()
        }
        #expect(error?.code == .alreadyExists)
        #expect(error?.connection == user)
        #expect(try await stage.token(user) == "somebody-else's")
        // It came after the user had left for the provider: what was granted is given back.
        try await stage.vault.delete(user)
        let request = try await stage.vault.connect(
            ConnectionID("ada"), application: stage.application)
        let late = TokenSet(accessToken: try Secret(text: "somebody-else's"))
        try await stage.vault.put(user, late)
        try await stage.complete(request)
        #expect(try await stage.token(user) == "somebody-else's")
        #expect(try await stage.token(ConnectionID("ada")).contains("xoxb-"))
        await stage.close()
    }
}
