// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

extension RealServerTests {
    /// What must fail, and must cost nothing more than it has to.
    @Suite struct Refusals {
        @Test(arguments: RealServer.Kind.allCases)
        func aReusedRefreshTokenIsALostGrant(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            // Somebody else got at the refresh token and uses it first.
            let thief = try ConnectionID("thief")
            try await vault.put(
                thief,
                TokenSet(
                    accessToken: Secret(text: "x"),
                    refreshToken: Secret(text: vault.pair(id).refresh)),
                application: platform.application)
            try await vault.refresh(thief)
            let stolen = try vault.pair(thief).access
            #expect(try await server.status(withToken: stolen) == 200)

            #expect(await code { try await vault.refresh(id) } == .grantLost)
            #expect(try vault.status(id)?.light == .red)
            #expect(try vault.status(id)?.nextStep == .reconnect)
            #expect(try vault.status(id)?.reason == .grantLost)
            // That told the server, which ended the thief's tokens too, where it has that.
            #expect(
                try await server.status(withToken: stolen) == (kind.endsReusedGrants ? 401 : 200))
            #expect(
                await code { try await vault.refresh(thief) }
                    == (kind.endsReusedGrants ? .grantLost : nil))
            let answers = await platform.tokenAnswers {
                for _ in 0..<5 {
                    let asked = await code { try await vault.withAccessToken(id) { _ in } }
                    #expect(asked == .grantLost)
                }
            }
            #expect(answers.isEmpty)

            try await platform.connect(vault)
            #expect(try vault.status(id)?.nextStep == ConnectionStatus.NextStep.none)
            #expect(try vault.status(id)?.light == .yellow)
            try await vault.refresh(id)
            #expect(try await server.status(withToken: vault.pair(id).access) == 200)
        }

        @Test(arguments: RealServer.Kind.allCases)
        func aWrongSecretCostsNoGrant(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let before = try vault.pair(id)
            try await platform.register(vault, clientSecret: "wrong")
            let answers = await platform.tokenAnswers {
                #expect(await code { try await vault.refresh(id) } == .applicationMisconfigured)
            }
            #expect(answers == [401])
            #expect(try vault.status(id)?.light == .red)
            #expect(try vault.status(id)?.nextStep == .correctApplication)
            #expect(try vault.pair(id) == before)
            #expect(try await server.status(withToken: before.access) == 200)
            // Nor does a flow that ends so leave anything behind.
            let other = try ConnectionID("customer-8/real")
            #expect(
                await code { try await platform.connect(vault, other) }
                    == .applicationMisconfigured)
            #expect(try vault.status(other)?.nextStep == .connect)

            try await platform.register(vault)
            try await vault.refresh(id)
            #expect(try vault.status(id)?.nextStep == ConnectionStatus.NextStep.none)
            #expect(try await server.status(withToken: vault.pair(id).access) == 200)
            try await platform.connect(vault, other)
            #expect(try await server.status(withToken: vault.pair(other).access) == 200)
        }

        /// A grant that the vault knows to be lost costs no request any more.
        @Test(arguments: RealServer.Kind.allCases)
        func whatTheUserEndsAtTheServerIsRed(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let before = try vault.pair(id)
            try await server.withdraw()
            #expect(try await server.status(withToken: before.access) == 401)
            let answers = await platform.tokenAnswers {
                #expect(await code { try await vault.refresh(id) } == .grantLost)
            }
            #expect(answers == [400])
            let status = try #require(try vault.status(id))
            #expect(status.light == .red)
            #expect(status.reason == .grantLost)
            #expect(status.reasonNumber == 400)
            #expect(status.nextStep == .reconnect)
            let further = await platform.tokenAnswers {
                #expect(await code { try await vault.refresh(id) } == .grantLost)
                #expect(await code { try await vault.withAccessToken(id) { _ in } } == .grantLost)
            }
            #expect(further.isEmpty)
            try await platform.connect(vault)
            try await vault.refresh(id)
            #expect(try await server.status(withToken: vault.pair(id).access) == 200)
        }

        @Test(arguments: RealServer.Kind.allCases)
        func aReceiptSaysWhatWasNotRevoked(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let token = try vault.pair(id).access
            try await platform.register(vault, clientSecret: "wrong")
            let receipt = try await vault.disconnect(id)
            let refused = DisconnectReceipt.Revocation.failed(
                number: 401,
                // The MCP SDK's server has a word of its own here.
                detail: FailureDetail(error: kind == .mcp ? .unauthorizedClient : .invalidClient))
            #expect(receipt.refreshToken == refused)
            #expect(receipt.accessToken == refused)
            #expect(receipt.erasedSlots == 1)
            #expect(try vault.status(id) == nil)
            #expect(try await server.status(withToken: token) == 200)
        }

        /// The server reads Basic as the RFC says; this secret has another meaning when it is raw.
        @Test func rawBasicIsRefused() async throws {
            let platform = try await Platform()
            let vault = try await platform.openRegistered()
            try await platform.connect(vault)
            try await platform.register(vault) { $0.clientAuthentication = .basicRaw }
            #expect(
                await code { try await vault.refresh(platform.id) } == .applicationMisconfigured)
            try await platform.register(vault)
            try await vault.refresh(platform.id)
        }

        @Test(arguments: RealServer.Kind.allCases)
        func aWrongRedirectURIIsRefusedTwice(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            let vault = try platform.open()
            let wrong = server.registration.redirectURI + "/other"
            try await platform.register(vault, redirectURI: wrong)
            let request = try await vault.connect(id, application: platform.application)
            let visit = try await server.visit(request.url, .approve)
            #expect(visit.status == 400)
            #expect(visit.location == nil)

            // And where the code is exchanged with another one than it was asked for with.
            try await platform.register(vault)
            let other = try await vault.connect(id, application: platform.application)
            let query = try await platform.callback(other)
            try await platform.register(vault, redirectURI: wrong)
            let answers = await platform.tokenAnswers {
                let refused = await code { _ = try await vault.complete(callbackQuery: query) }
                #expect(refused == .providerRefused)
            }
            #expect(answers == [400])
            #expect(try vault.status(id)?.nextStep == .connect)
        }

        @Test(arguments: RealServer.Kind.allCases)
        func anUntrustedCertificateEndsNothing(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let (server, id) = (platform.server, platform.id)
            var vault = try await platform.openRegistered()
            try await platform.connect(vault)
            let before = try vault.pair(id)
            vault.close()
            vault = try platform.open(trusting: .stranger)
            let answered = server.answers.count
            #expect(await code { try await vault.refresh(id) } == .certificateRefused)
            let status = try #require(try vault.status(id))
            #expect(status.reason == .refreshDelayed)
            // CURLE_PEER_FAILED_VERIFICATION, and that its issuer is none of those trusted.
            #expect(status.reasonNumber == -60)
            #expect(status.reasonDetail.verifyResult == 20)
            #expect(status.nextStep == .wait)
            #expect(try vault.pair(id) == before)
            #expect(server.answers.count == answered)
            vault.close()
            vault = try platform.open()
            try await vault.refresh(id)
            #expect(try vault.pair(id) != before)
            #expect(try await server.status(withToken: vault.pair(id).access) == 200)
        }

        @Test(arguments: RealServer.Kind.allCases.filter(\.sendsIssuer))
        func theIssuerMustBeTheServer(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let id = platform.id
            let vault = try await platform.openRegistered()
            for (from, to) in [("&iss=https", "&iss=http"), ("&iss=", "&other=")] {
                let request = try await vault.connect(id, application: platform.application)
                let query = try await platform.callback(request).exposed
                let forged = query.replacing(from, with: to)
                #expect(forged != query)
                let answers = await platform.tokenAnswers {
                    let result = await code {
                        _ = try await vault.complete(callbackQuery: Secret(text: forged))
                    }
                    #expect(result == .issuerMismatch)
                }
                #expect(answers.isEmpty)
            }
        }

        /// django-oauth-toolkit sends no `iss` with an error, though RFC 9207 section 2 wants it
        /// there too.
        @Test(arguments: RealServer.Kind.allCases)
        func theUserMayDeny(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let vault = try await platform.openRegistered()
            let request = try await vault.connect(platform.id, application: platform.application)
            let query = try await platform.callback(request, .deny)
            let ended = await code { _ = try await vault.complete(callbackQuery: query) }
            #expect(ended == .flowDenied)
            #expect(try vault.status(platform.id)?.nextStep == .connect)
            // An `iss` that is there counts; Authlib sends one.
            guard kind != .authlib else { return }
            let again = try await vault.connect(platform.id, application: platform.application)
            let other = try await platform.callback(again, .deny).exposed
            let crossed = await code {
                _ = try await vault.complete(
                    callbackQuery: Secret(text: other + "&iss=https%3A//another.example"))
            }
            #expect(crossed == .issuerMismatch)
        }

        /// Authlib demands PKCE of public clients alone.
        @Test(arguments: [RealServer.Kind.django, .mcp])
        func aFlowWithoutPKCEIsRefused(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let vault = try platform.open()
            try await platform.register(vault) { $0.usesPKCE = false }
            let request = try await vault.connect(platform.id, application: platform.application)
            let query = try await platform.callback(request)
            let ended = await code { _ = try await vault.complete(callbackQuery: query) }
            #expect(ended == .authorizationRefused)
        }
    }
}
