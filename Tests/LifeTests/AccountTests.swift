// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Another account comes back where a connection is connected again.
@Suite("Whose account a connection is") struct AccountTests {
    @Test("Another one is told, and what was before stays in the status until the next connect")
    func told() async throws {
        let stand = try await AccountStand()
        try await stand.connect("ada")
        #expect(try stand.accounts() == ["ada", nil])
        try await stand.connect("ada")
        #expect(try await stand.changes() == 0)
        let events = stand.vault.events()
        try await stand.connect("bob")
        #expect(try stand.accounts() == ["bob", "ada"])
        #expect(try await stand.changes() == 1)
        // It is sealed with the connection, and a refresh leaves it.
        try await stand.vault.refresh(stand.id)
        try await stand.reopen()
        #expect(try stand.accounts() == ["bob", "ada"])
        try await stand.connect("bob")
        #expect(try stand.accounts() == ["bob", nil])
        #expect(try await stand.changes() == 1)
        var heard: [VaultEvent] = []
        for await event in events where event.kind == .accountChanged { heard.append(event) }
        #expect(heard.map(\.connection) == [stand.id] && heard.map(\.number) == [0])
        await stand.end()
    }

    @Test("Who it was is remembered until a look-up has spoken")
    func remembered() async throws {
        let stand = try await AccountStand()
        try await stand.connect("ada")
        stand.isLookedUp = false
        try await stand.register()
        try await stand.connect("bob")
        // Nobody knows: nothing is claimed.
        #expect(try stand.accounts() == [nil, nil])
        #expect(try await stand.changes() == 0)
        try await stand.connect("bob")
        stand.isLookedUp = true
        try await stand.register()
        try await stand.connect("bob")
        #expect(try stand.accounts() == ["bob", "ada"])
        #expect(try await stand.changes() == 1)
        // A disconnect forgets it with everything else.
        _ = try await stand.vault.disconnect(stand.id)
        try await stand.connect("ada")
        #expect(try stand.accounts() == ["ada", nil])
        await stand.end()
    }

    @Test("Where it is refused the old grant stays as it is", arguments: [true, false])
    func refused(_ revokes: Bool) async throws {
        let stand = try await AccountStand(refuses: true) { $0.revokesReplacedGrant = revokes }
        try await stand.connect("ada")
        let before = try #require(try stand.vault.status(stand.id))
        let token = try await stand.vault.token(stand.id)
        #expect(await stand.refusal("bob") == .otherAccount)
        let after = try #require(try stand.vault.status(stand.id))
        #expect(after.generation == before.generation && after.reason == nil)
        #expect(try stand.accounts() == ["ada", nil])
        #expect(try await stand.vault.token(stand.id) == token)
        try await stand.vault.refresh(stand.id)
        let grants = stand.practice.provider.grants
        #expect(grants.map(\.user) == ["ada", "bob"] && grants[0].alive)
        // Where one revocation ends all of the client's grants, nothing is revoked.
        if revokes {
            try await stand.pass { !stand.practice.provider.grants[1].alive }
        } else {
            #expect(grants[1].alive && stand.practice.provider.counters.revocations == 0)
        }
        let failure = try #require(
            try await stand.log().first { $0.kind == .connectFailed })
        #expect(failure.detail.causeName == "otherAccount" && failure.number == 0)
        #expect(try await stand.changes() == 0)
        // The same account goes on as ever, and is asked for once.
        let asked = stand.practice.provider.counters.userinfoAccepted
        try await stand.connect("ada")
        #expect(stand.practice.provider.counters.userinfoAccepted == asked + 1)
        #expect(try stand.accounts() == ["ada", nil])
        await stand.end()
    }

    @Test("Of a grant that is gone nothing can be ended by a revocation")
    func refusedOverALostGrant() async throws {
        let stand = try await AccountStand(refuses: true)
        try await stand.connect("ada")
        stand.practice.provider.revoke(user: "ada")
        await #expect(throws: VaultError.self) { try await stand.vault.refresh(stand.id) }
        #expect(await stand.refusal("bob") == .otherAccount)
        try await stand.pass { !stand.practice.provider.grants[1].alive }
        #expect(try stand.vault.status(stand.id)?.reason == .grantLost)
        await stand.end()
    }

    @Test("An account that nobody can look up is refused, too, but for the first one")
    func unknown() async throws {
        let stand = try await AccountStand(refuses: true) { $0.revokesReplacedGrant = true }
        stand.isLookedUp = false
        try await stand.register()
        try await stand.connect("ada")
        stand.isLookedUp = true
        try await stand.register()
        try await stand.connect("ada")
        stand.isLookedUp = false
        try await stand.register()
        #expect(await stand.refusal("ada") == .accountUnknown)
        #expect(try stand.accounts() == ["ada", nil])
        let failure = try await stand.log().first { $0.kind == .connectFailed }
        #expect(failure?.detail.causeName == "accountUnknown")
        try await stand.vault.refresh(stand.id)
        // After a disconnect there is nothing to compare with.
        _ = try await stand.vault.disconnect(stand.id)
        try await stand.connect("bob")
        await stand.end()
    }

    @Test("A user at a device is compared as well")
    func device() async throws {
        let stand = try await AccountStand(refuses: true)
        try await stand.connect("ada")
        let device = try await stand.vault.startDeviceAuthorization(
            stand.id, application: stand.practice.application)
        stand.practice.provider.approveDevice(device.userCode, user: "bob")
        stand.practice.provider.advance(by: .seconds(30))
        stand.clock.advance(by: .seconds(30))
        var refused: VaultError?
        do {
            try await stand.vault.completeDeviceAuthorization(stand.id)
        } catch { refused = error }
        #expect(refused?.code == .otherAccount && refused?.detail.cause == .otherAccount)
        #expect(try stand.accounts() == ["ada", nil])
        try await stand.vault.refresh(stand.id)
        await stand.end()
    }

    @Test("It takes a provider that says whose account it is")
    func settings() async throws {
        let stand = try await AccountStand(refuses: true)
        #expect(try stand.vault.applications().map(\.refusesOtherAccount) == [true])
        stand.refuses = false
        try await stand.register()
        #expect(try stand.vault.applications().map(\.refusesOtherAccount) == [false])
        stand.refuses = true
        let mute = await stand.putFailure { $0.lookup = nil }
        #expect(mute?.code == .invalidArgument && mute?.detail.cause == .noAccountLookup)
        #expect(await stand.putFailure { $0.lookup?.account = "" }?.code == .invalidArgument)
        await stand.end()
    }

    @Test("Tokens that were not compared replace nobody's")
    func raced() throws {
        let id = try ConnectionID("c")
        var record = try ConnectionRecord(id: id, now: UnixTime(milliseconds: 1))
        var target = NewGrant(
            connection: id, application: try ApplicationID("a"), requestedScope: nil,
            .authorizationCode, nil)
        target.takenAccount = .only(nil)
        try target.checkAccount(record)
        #expect(try record.set(account: "ada") == false)
        #expect(throws: VaultError(.otherAccount, .vault, .accountUnknown)) {
            try target.checkAccount(record)
        }
        target.takenAccount = .only("ada")
        try target.checkAccount(record)
        try record.forgetAccount()
        try target.checkAccount(record)
        #expect(record.account == nil && record.lastAccount == "ada")
        target.takenAccount = .any
        try target.checkAccount(record)
    }

    @Test("Whoever declines is told apart from what fails")
    func denied() async throws {
        let stand = try await AccountStand()
        let events = stand.vault.events()
        let request = try await stand.vault.connect(
            stand.id, application: stand.practice.application)
        let issuer = stand.practice.provider.baseURL
        await #expect(throws: VaultError.self) {
            try await stand.vault.complete(
                callbackQuery: Secret(
                    text: "error=access_denied&state=\(request.state)&iss=\(issuer)"))
        }
        try await stand.reopen()
        let status = try #require(try stand.vault.status(stand.id))
        #expect(status.light == .yellow && status.reason == .connectDenied)
        #expect(status.reasonDetail.oauthError == "access_denied" && status.nextStep == .connect)
        let kinds = try await stand.log().map(\.kind)
        #expect(kinds.contains(.connectDenied) && !kinds.contains(.connectFailed))
        var heard: [VaultEvent.Kind] = []
        for await event in events { heard.append(event.kind) }
        #expect(heard == [.connectStarted, .connectDenied])
        try await stand.connect("ada")
        #expect(try stand.vault.status(stand.id)?.reason == nil)
        await stand.end()
    }
}

private final class AccountStand {
    let practice: Practice
    let clock = TestClock()
    let id: ConnectionID
    var refuses: Bool
    var isLookedUp = true
    private(set) var vault: Vault
    private let change: (inout Provider) -> Void

    init(
        refuses: Bool = false, _ change: @escaping (inout Provider) -> Void = { _ in }
    ) async throws {
        practice = try await Practice()
        id = try ConnectionID("anna")
        vault = try practice.open(clock)
        (self.refuses, self.change) = (refuses, change)
        try await register()
    }

    func register(_ more: (inout Provider) -> Void = { _ in }) async throws {
        let base = practice.provider.baseURL
        var provider = Provider(
            name: "practice", authorizationEndpoint: base + "/authorize",
            tokenEndpoint: base + "/token", revocationEndpoint: base + "/revoke")
        provider.issuer = base
        provider.deviceAuthorizationEndpoint = base + "/device_authorization"
        provider.lookup = Provider.Lookup(url: base + (isLookedUp ? "/userinfo" : "/nowhere"))
        provider.lookup?.account = "sub"
        change(&provider)
        more(&provider)
        try await vault.put(
            Application(
                id: practice.application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: practice.secretText),
                redirectURI: "https://platform.example/callback/practice", scopes: ["read"],
                refusesOtherAccount: refuses))
    }

    func putFailure(_ more: (inout Provider) -> Void) async -> VaultError? {
        do {
            try await register(more)
            return nil
        } catch { return error as? VaultError }
    }

    func connect(_ user: String) async throws { try await practice.connect(vault, id, user: user) }

    /// Why it is refused.
    func refusal(_ user: String) async -> FailureCause? {
        do {
            try await connect(user)
            return nil
        } catch {
            guard let error = error as? VaultError, error.code == .otherAccount else { return nil }
            return error.detail.cause
        }
    }

    func reopen() async throws {
        vault.close()
        vault = try practice.open(clock)
        try await vault.ready()
    }

    /// Whose it is, and whose it was.
    func accounts() throws -> [String?] {
        let status = try vault.status(id)
        return [status?.account, status?.earlierAccount]
    }

    func log() async throws -> [VaultEvent] { try await vault.log(id, limit: 100) }

    func changes() async throws -> Int {
        try await log().count { $0.kind == .accountChanged }
    }

    /// Waits for what is done behind the caller's back.
    func pass(until isSo: () -> Bool) async throws {
        for _ in 0..<500 where !isSo() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(isSo())
    }

    func end() async {
        vault.close()
        await practice.provider.stop()
    }
}
