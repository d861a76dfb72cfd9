// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

extension RealServerTests {
    /// What must work.
    @Suite struct Life {
        @Test func isTheServerThatWasMeant() async throws {
            let server = try #require(RealServerTrait.server)
            let metadata = try await server.metadata()
            #expect(try metadata.issuer == server.baseURL)
            #expect(metadata.codeChallengeMethodsSupported == ["S256"])
            #expect(metadata.authorizationResponseIssParameterSupported)
            #expect(try await server.status(withToken: "no token") == 401)
        }

        @Test func livesAHundredRefreshesAndDies() async throws {
            let platform = try await Platform()
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let first = try vault.pair(id)
            #expect(try await server.status(withToken: first.access) == 200)
            let connected = try #require(try vault.status(id))
            #expect(connected.light == .yellow)
            #expect(connected.expirySource == .expiresIn)
            #expect(connected.grantedScope == "read")

            // Each presents the newest refresh token: one reuse and the server ends them all.
            var seen: Set = [first.access, first.refresh]
            let answers = try await platform.tokenAnswers {
                for _ in 0..<100 {
                    try await vault.refresh(id)
                    let pair = try vault.pair(id)
                    seen.formUnion([pair.access, pair.refresh])
                }
            }
            #expect(answers == Array(repeating: "POST /token/ 200", count: 100))
            #expect(seen.count == 202)
            #expect(try vault.status(id)?.refreshCount == 100)
            try await vault.reportUse(id)
            #expect(try vault.status(id)?.light == .green)

            let last = try vault.pair(id)
            #expect(try await server.status(withToken: last.access) == 200)
            #expect(try await server.isActive(last.access))
            let receipt = try await vault.disconnect(id)
            #expect(receipt.refreshToken == .revoked)
            #expect(receipt.accessToken == .revoked)
            #expect(receipt.isEveryAnswerIn)
            #expect(try vault.status(id) == nil)
            #expect(try await server.status(withToken: last.access) == 401)
            #expect(try await !server.isActive(last.access))
            let (status, body) = try await server.refresh(last.refresh)
            #expect(status == 400)
            #expect(body.contains("invalid_grant"))
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
            #expect(answers == ["POST /token/ 200"])
            keeping.close()
            reading.close()
        }

        @Test(arguments: [Provider.ClientAuthentication.basic, .post])
        func authenticates(_ method: Provider.ClientAuthentication) async throws {
            let platform = try await Platform()
            let vault = try platform.open()
            try await platform.register(vault) { $0.clientAuthentication = method }
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
            #expect(answers.count(where: { $0 == "POST /token/ 200" }) == 40)
            #expect(Set(answers).isSubset(of: ["POST /token/ 200", "POST /token/ 500"]))
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
