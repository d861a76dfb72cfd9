// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

extension RealServerTests {
    /// What a server publishes about itself, and the ways to a token that need no callback, or no
    /// client secret.
    @Suite struct OtherGrants {
        /// The MCP SDK's issuer ends with a slash; it may be left out (as the vault documents).
        @Test(arguments: RealServer.Kind.allCases)
        func isDiscovered(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind)
            let server = platform.server
            let vault = try platform.open()
            let discovery = try await vault.discover(server.baseURL)
            let discovered = try discovery.provider(named: "real")
            var provider = discovered.provider
            let metadata = try await server.metadata()
            #expect(provider.issuer == metadata.issuer)
            #expect(provider.tokenEndpoint == metadata.tokenEndpoint)
            #expect(provider.revocationEndpoint == metadata.revocationEndpoint)
            #expect(provider.sendsIssuer == kind.sendsIssuer && provider.usesPKCE)
            #expect((provider.deviceAuthorizationEndpoint != nil) == (kind == .authlib))
            // Its documents list Basic, of which it reads half.
            provider.clientAuthentication = platform.method
            try await platform.register(vault, provider)
            try await platform.connect(vault)
            try await vault.refresh(platform.id)
            let token = try vault.pair(platform.id).access
            #expect(try await server.status(withToken: token) == 200)
            // django-oauth-toolkit publishes a document for any path.
            if kind != .django {
                await #expect(throws: DiscoveryError.self) {
                    _ = try await vault.discover(server.baseURL + "/elsewhere")
                }
            }
            vault.close()
        }

        @Test func asksByItself() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for kind in [RealServer.Kind.django, .authlib] {
                    group.addTask { try await askByItself(at: kind) }
                }
                try await group.waitForAll()
            }
        }

        private func askByItself(at kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind, use: "machine")
            let (server, id) = (platform.server, platform.id)
            let vault = try await platform.openRegistered()
            try await vault.connect(
                id, application: platform.application, grant: .clientCredentials,
                scopes: ["read"])
            let first = try vault.pair(id)
            #expect(first.refresh.isEmpty)
            #expect(try await server.isActive(first.access, to: platform.client) == true)
            let run = Task { try await vault.run() }
            try await Task.sleep(for: .seconds(RealServer.tokenSeconds))
            // The first has expired; nobody asked for the one that is there.
            let second = try vault.pair(id)
            #expect(second.access != first.access)
            #expect(try await server.isActive(second.access, to: platform.client) == true)
            run.cancel()
            try await run.value
            let last = try vault.pair(id).access
            let receipt = try await vault.disconnect(id)
            #expect(receipt.accessToken == .revoked)
            #expect(receipt.refreshToken == .notNeeded)
            #expect(try await server.stored([last]) != ["good"])
            vault.close()
        }

        @Test(arguments: [RealServer.Kind.django, .authlib])
        func isConnectedFromADevice(_ kind: RealServer.Kind) async throws {
            let platform = try await Platform(kind, use: "device")
            let (server, id) = (platform.server, platform.id)
            let vault = try platform.open()
            let endpoint =
                try server.baseURL
                + (kind == .django ? "/device-authorization/" : "/device_authorization")
            try await platform.register(vault) { $0.deviceAuthorizationEndpoint = endpoint }
            let refused = try await vault.startDeviceAuthorization(
                id, application: platform.application)
            try await server.visit(
                try #require(refused.verificationURIComplete), .deny)
            #expect(await code { try await vault.completeDeviceAuthorization(id) } == .flowDenied)

            let device = try await vault.startDeviceAuthorization(
                id, application: platform.application)
            #expect(device.userCode != refused.userCode)
            // The vault asks meanwhile, and is told to wait.
            try await Task.sleep(for: .seconds(3))
            #expect(try vault.status(id)?.light == .yellow)
            try await server.visit(try #require(device.verificationURIComplete), .approve)
            try await vault.completeDeviceAuthorization(id)
            let answers = try await platform.tokenAnswers {
                for _ in 0..<3 { try await vault.refresh(id) }
            }
            #expect(answers == [200, 200, 200])
            let pair = try vault.pair(id)
            #expect(try await server.status(withToken: pair.access) == 200)
            let receipt = try await vault.disconnect(id)
            #expect(receipt.refreshToken == .revoked && receipt.accessToken == .revoked)
            #expect(try await server.stored([pair.access, pair.refresh]).contains("good") == false)
            vault.close()
        }

        /// Authlib refuses an assertion whose `jti` it has seen.
        @Test(arguments: [
            ("rsa", SigningKey.Algorithm.rs256), ("rsa", .ps256), ("ec", .es256),
            ("ed25519", .edDSA),
        ])
        func signsInPlaceOfASecret(
            _ name: String, _ algorithm: SigningKey.Algorithm
        ) async throws {
            let platform = try await Platform(.authlib, use: "key")
            let (server, id) = (platform.server, platform.id)
            let vault = try platform.open()
            let key = try SigningKey(
                privateKey: Secret(contentsOfFile: server.keyFile(name)), algorithm: algorithm,
                keyID: name)
            try await platform.register(vault, signingKey: key)
            try await platform.connect(vault)
            let answers = try await platform.tokenAnswers {
                for _ in 0..<5 { try await vault.refresh(id) }
            }
            #expect(answers == Array(repeating: 200, count: 5))
            let pair = try vault.pair(id)
            #expect(try await server.status(withToken: pair.access) == 200)
            let receipt = try await vault.disconnect(id)
            #expect(receipt.refreshToken == .revoked && receipt.accessToken == .revoked)
            #expect(try await server.stored([pair.access, pair.refresh]).contains("good") == false)
            vault.close()
        }
    }
}
