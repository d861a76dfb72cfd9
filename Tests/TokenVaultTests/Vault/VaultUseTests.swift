// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The light from the platform's side: what it says of its own use of a connection.
@Suite struct VaultUseTests {
    private let id: ConnectionID
    private let home: TestVault

    init() throws {
        id = try ConnectionID("anna")
        home = try TestVault()
        try home.create()
    }

    private func tokens(_ access: String) throws -> TokenSet {
        TokenSet(accessToken: try Secret(text: access))
    }

    private func status(_ vault: Vault) throws -> ConnectionStatus {
        try #require(try vault.status(id))
    }

    private func kinds(_ vault: Vault) async throws -> [VaultEvent.Kind] {
        try await vault.log(id).map(\.kind)
    }

    @Test func aRejectedTokenThatNothingRenewsIsRed() async throws {
        do {
            let vault = try home.open()
            try await vault.put(id, tokens("first"))
            try await vault.reportUse(id)
            #expect(try status(vault).light == .green)
            let end = await code { try await vault.reportRejected(id) }
            #expect(end == .notRefreshable)
            vault.close()
        }
        // And so it is for the next process.
        let vault = try home.open()
        try await vault.ready()
        var found = try status(vault)
        #expect(found.light == .red && found.reason == .tokenRejected)
        #expect(found.nextStep == .reconnect)
        // What replaces the token ends it.
        try await vault.put(id, tokens("second"))
        found = try status(vault)
        #expect(found.light != .red && found.reason == nil && found.nextStep == .none)
        #expect(try await kinds(vault) == [.tokensPut, .tokenRejected, .tokensPut])
    }

    @Test func aLateRejectionOfAnOlderTokenCostsNothing() async throws {
        let vault = try home.open()
        let first = try await vault.put(id, tokens("first"))
        let second = try await vault.put(id, tokens("second"))
        try await vault.reportRejected(id, generation: first)
        #expect(try status(vault).light == .yellow)
        #expect(try status(vault).generation == second)
        #expect(try await kinds(vault) == [.tokensPut, .tokensPut])
        // A version of the same tokens that was written for another reason is theirs.
        try await vault.reportUse(id)
        let used = try status(vault).generation
        #expect(used > second)
        for generation in [second, used] {
            try await vault.reportUse(id)
            #expect(try status(vault).light == .green)
            let end = await code { try await vault.reportRejected(id, generation: generation) }
            #expect(end == .notRefreshable)
            #expect(try status(vault).light == .red)
        }
    }

    @Test func aFailedUseIsRedUntilTheNextOne() async throws {
        let vault = try home.open()
        try await vault.put(id, tokens("first"))
        try await vault.reportUse(id)
        try await vault.reportFailed(id, number: 17)
        var found = try status(vault)
        #expect(found.light == .red && found.reason == .useFailed && found.reasonNumber == 17)
        #expect(found.nextStep == .checkUse)
        // The same again is not written again, another number is.
        let generation = found.generation
        try await vault.reportFailed(id, number: 17)
        #expect(try status(vault).generation == generation)
        try await vault.reportFailed(id, number: -1)
        #expect(try status(vault).reasonNumber == -1)
        // The token is lent as before, and other tokens change nothing: the error was no token's.
        try await vault.withAccessToken(id) { #expect($0.exposed == "first") }
        try await vault.put(id, tokens("second"))
        #expect(try status(vault).light == .red)
        // Though the last use was a moment ago.
        try await vault.reportUse(id)
        found = try status(vault)
        #expect(found.light == .green && found.reason == nil && found.nextStep == .none)
        #expect(try await kinds(vault) == [.tokensPut, .useFailed, .useFailed, .tokensPut])
        #expect(try await vault.log(id).map(\.number) == [0, 17, -1, 0])
    }

    @Test func aRejectionStandsUntilAUseWorks() async throws {
        let vault = try home.open()
        let generation = try await vault.put(id, tokens("first"))
        #expect(await code { try await vault.reportRejected(id) } == .notRefreshable)
        // There is no other token, and the report may have been wrong.
        func lend() async -> VaultError.Code? {
            await code { try await vault.withAccessToken(id) { #expect($0.exposed == "first") } }
        }
        #expect(await lend() == nil)
        // An error of the component's own, such as that very 401, does not mend the token.
        try await vault.reportFailed(id, number: 401)
        #expect(try await kinds(vault) == [.tokensPut, .tokenRejected, .useFailed])
        #expect(try status(vault).reason == .tokenRejected)
        #expect(try status(vault).tokenRejected != nil)
        try await vault.reportUse(id)
        #expect(try status(vault).tokenRejected == nil)
        // A version that never was is a mistake of the caller's.
        let never = await code { try await vault.reportRejected(id, generation: 999_999) }
        #expect(never == .invalidArgument && generation < 999_999)
        #expect(try status(vault).light == .green)
    }

    @Test func aConnectionThatIsNotThereHasNoLight() async throws {
        let vault = try home.open()
        let nobody = try ConnectionID("nobody")
        #expect(await code { try await vault.reportFailed(nobody, number: 1) } == .notFound)
        #expect(await code { try await vault.reportRejected(nobody) } == .notFound)
        #expect(try vault.status(nobody) == nil)
    }
}
