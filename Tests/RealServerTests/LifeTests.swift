// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

extension RealServerTests {
    /// What must work.
    @Suite struct Life {
        @Test(arguments: RealServer.Kind.allCases)
        func isTheServerThatWasMeant(_ kind: RealServer.Kind) async throws {
            let server = try #require(RealServerTrait.servers[kind])
            let metadata = try await server.metadata()
            // The MCP SDK's issuer is a URL with its path.
            #expect(try metadata.issuer == server.baseURL + (kind == .mcp ? "/" : ""))
            #expect(metadata.codeChallengeMethodsSupported == ["S256"])
            #expect(
                metadata.authorizationResponseIssParameterSupported
                    == (kind.sendsIssuer ? true : nil))
            #expect(try await server.status(withToken: "no token") == 401)
        }

        /// What fails in the tests of the vault is then not the server's doing.
        @Test(arguments: [
            (RealServer.Kind.django, "metadata openid code-basic code-post machine device"),
            (.authlib, "metadata code-basic code-post machine RS256 PS256 ES256 EdDSA device"),
            (.mcp, "metadata code-basic code-post"),
        ])
        func servesAnotherClient(_ kind: RealServer.Kind, _ offers: String) async throws {
            let server = try #require(RealServerTrait.servers[kind])
            #expect(try await server.letAnotherClientTry().joined(separator: " ") == offers)
        }

        @Test(arguments: RealServer.Kind.allCases)
        func livesAHundredRefreshesAndDies(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let first = try vault.pair(id)
            #expect(try await server.status(withToken: first.access) == 200)
            let connected = try #require(try vault.status(id))
            #expect(connected.light == .yellow)
            #expect(connected.expirySource == .expiresIn)
            #expect(connected.grantedScope == "read")

            // Each presents the newest refresh token: one reuse and the server ends them all, or
            // refuses it.
            var seen: Set = [first.access, first.refresh]
            let answers = try await platform.tokenAnswers {
                for _ in 0..<100 {
                    try await vault.refresh(id)
                    let pair = try vault.pair(id)
                    seen.formUnion([pair.access, pair.refresh])
                }
            }
            #expect(answers == Array(repeating: 200, count: 100))
            #expect(seen.count == 202)
            #expect(try vault.status(id)?.refreshCount == 100)
            try await vault.reportUse(id)
            #expect(try vault.status(id)?.light == .green)

            let last = try vault.pair(id)
            #expect(try await server.status(withToken: last.access) == 200)
            #expect(
                try await server.isActive(last.access, to: platform.client)
                    == (kind == .mcp ? nil : true))
            #expect(try await server.stored([last.access, last.refresh]) == ["good", "good"])
            let receipt = try await vault.disconnect(id)
            #expect(receipt.refreshToken == .revoked)
            #expect(receipt.accessToken == .revoked)
            #expect(receipt.isEveryAnswerIn)
            #expect(!receipt.tokensLiveOn)
            #expect(try vault.status(id) == nil)
            #expect(try await server.status(withToken: last.access) == 401)
            #expect(
                try await server.isActive(last.access, to: platform.client)
                    == (kind == .mcp ? nil : false))
            // django-oauth-toolkit deletes access tokens that are revoked.
            #expect(
                try await server.stored([last.access, last.refresh])
                    == [kind == .django ? "absent" : "revoked", "revoked"])
            let (status, body) = try await server.refresh(last.refresh, by: platform.client)
            #expect(status == 400)
            #expect(body.contains("invalid_grant"))
            vault.close()
        }

        /// The upkeep goes on, so that what is not asked for is not left out by chance.
        @Test func nothingIsAskedForAfterADisconnect() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for kind in RealServer.Kind.allCases {
                    group.addTask { try await outliveADisconnect(at: kind) }
                }
                try await group.waitForAll()
            }
        }

        private func outliveADisconnect(at kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let vault = try await platform.openRegistered()
            let other = try ConnectionID("customer-8/real")
            try await platform.connect(vault)
            try await platform.connect(vault, other)
            let ended = try vault.pair(platform.id)
            #expect(try await vault.disconnect(platform.id).refreshToken == .revoked)
            let run = Task { try await vault.run() }
            let answered = platform.server.answers.count
            try await Task.sleep(for: .seconds(RealServer.tokenSeconds))
            run.cancel()
            try await run.value
            // Every request that the server saw was a refresh of the other one.
            let refreshCount = try #require(try vault.status(other)?.refreshCount)
            #expect((1...2).contains(refreshCount))
            #expect(platform.server.answers.count - answered == Int(refreshCount))
            #expect(await code { try await vault.refresh(platform.id) } == .notFound)
            #expect(platform.server.answers.count - answered == Int(refreshCount))
            #expect(
                try await platform.server.stored([ended.access, ended.refresh]).contains("good")
                    == false)
            vault.close()
        }

        @Test func isFreshWhenItIsReadAndUnderUpkeep() async throws {
            let kept = try await Platform()
            let read = try await Platform()
            let server = kept.server
            let keeping = try await kept.openRegistered()
            let reading = try await read.openRegistered()
            try await kept.connect(keeping)
            try await read.connect(reading)
            let run = Task { try await keeping.run() }
            let keptFirst = try keeping.pair(kept.id).access
            let readFirst = try reading.pair(read.id).access
            try await Task.sleep(for: .seconds(RealServer.tokenSeconds))
            // Both have expired for the server.
            #expect(try await server.status(withToken: keptFirst) == 401)
            #expect(try await server.status(withToken: readFirst) == 401)
            let refreshCount = try #require(try keeping.status(kept.id)).refreshCount
            #expect((1...2).contains(refreshCount))
            #expect(try reading.status(read.id)?.refreshCount == 0)
            #expect(try await server.status(withToken: keeping.pair(kept.id).access) == 200)
            run.cancel()
            try await run.value
            let answers = try await read.tokenAnswers {
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<50 {
                        group.addTask { try await reading.withAccessToken(read.id) { $0.exposed } }
                    }
                    let lent = try await group.reduce(into: Set()) { $0.insert($1) }
                    #expect(lent.count == 1)
                    #expect(!lent.contains(readFirst))
                    for token in lent { #expect(try await server.status(withToken: token) == 200) }
                }
            }
            #expect(answers == [200])
            keeping.close()
            reading.close()
        }

        @Test(
            arguments: [RealServer.Kind.django, .authlib],
            [Provider.ClientAuthentication.basic, .post])
        func authenticates(
            _ kind: RealServer.Kind, by method: Provider.ClientAuthentication
        ) async throws {
            let platform = try await Platform(kind, by: method)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            try await vault.refresh(platform.id)
            let token = try vault.pair(platform.id).access
            #expect(try await platform.server.status(withToken: token) == 200)
            #expect(try await vault.disconnect(platform.id).accessToken == .revoked)
            #expect(try await platform.server.status(withToken: token) == 401)
        }

        /// SQLite lets one transaction write at a time and Django does not wait for it, so this
        /// server answers 500 to some of what comes at once: the same token is presented again.
        @Test func manyConnectionsRefreshAtOnce() async throws {
            let platform = try await Platform()
            let vault = try await platform.openRegistered()
            let ids = try (0..<8).map { try ConnectionID("customer-\($0)/real") }
            for id in ids { try await platform.connect(vault, id) }
            let answers = await platform.tokenAnswers {
                await withTaskGroup(of: Void.self) { group in
                    for id in ids {
                        group.addTask { for _ in 0..<5 { await refresh(id, in: vault) } }
                    }
                }
            }
            #expect(answers.count(where: { $0 == 200 }) == 40)
            #expect(Set(answers).isSubset(of: [200, 500]))
            for id in ids {
                #expect(try vault.status(id)?.refreshCount == 5)
                #expect(try vault.status(id)?.nextStep == ConnectionStatus.NextStep.none)
                let token = try vault.pair(id).access
                #expect(try await platform.server.status(withToken: token) == 200)
            }
        }

        /// Refreshes as often as it takes: after five failures in a row the vault takes the server
        /// to be down, and tells callers so at once.
        private func refresh(_ id: ConnectionID, in vault: Vault) async {
            for _ in 0..<100 {
                let failure = await code { try await vault.refresh(id) }
                if failure == nil { return }
                #expect(failure == .providerBusy || failure == .backingOff)
                try? await Task.sleep(for: .milliseconds(200))
            }
            Issue.record("a hundred attempts were not enough")
        }
    }
}
