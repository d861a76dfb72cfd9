// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Callers who say how long their token must live, some of them longer than any does.
@Suite("Minimum lifetimes") struct MinimumLifetimeTests {
    private final class Lent: @unchecked Sendable { var token: TokenText? }

    /// A caller who wants a token of connection 0 that lives for so many seconds.
    private func lend(_ rig: Rig, _ seconds: Int) throws -> (errand: Errand, lent: Lent) {
        let lent = Lent()
        let errand = try rig.call { vault in
            try await vault.withAccessToken(
                Disk.id(0), minimumLifetime: .seconds(seconds)
            ) { lent.token = TokenText($0) }
        }
        try rig.flush()
        return (errand, lent)
    }

    /// The same, where it ends without a request.
    private func outcome(_ rig: Rig, _ seconds: Int) throws -> VaultError.Code? {
        let sent = rig.network.all.count
        let (errand, _) = try lend(rig, seconds)
        #expect(errand.isDone && rig.network.all.count == sent)
        return errand.code
    }

    /// The same, where one request is sent, and its answer takes so long.
    private func refreshed(
        _ rig: Rig, _ seconds: Int, after milliseconds: Int64 = 0, expiresIn lifetime: Int = 3600
    ) throws -> VaultError.Code? {
        let sent = rig.network.all.count
        let (errand, _) = try lend(rig, seconds)
        #expect(!errand.isDone && rig.network.all.count == sent + 1)
        try rig.advance(milliseconds: milliseconds)
        let serial = try #require(rig.network.last(0)).serial + 1
        try rig.answer(
            0,
            Rig.reply(
                200,
                #"{"access_token":"\#(TokenText(.access, 0, serial).text)","token_type":"Bearer","#
                    + #""refresh_token":"\#(TokenText(.refresh, 0, serial).text)","#
                    + #""expires_in":\#(lifetime)}"#))
        try rig.flush()
        #expect(errand.isDone && rig.network.all.count == sent + 1)
        return errand.code
    }

    @Test("A token that lives too short is refreshed first")
    func tooShort() throws {
        let rig = try Rig(.populated(1, expiringIn: 1_200_000))
        let (first, short) = try lend(rig, 1190)
        #expect(first.isDone && short.token == TokenText(.access, 0, 1))
        #expect(rig.network.all.isEmpty)
        let (second, long) = try lend(rig, 1200)
        #expect(!second.isDone && rig.network.open.count == 1)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(second.isDone && long.token == TokenText(.access, 0, 2))
    }

    @Test("What no token lives costs one refresh, until the token at hand is due")
    func impossible() throws {
        let rig = try Rig(.populated(1))
        #expect(try refreshed(rig, 7200) == .notRefreshable)
        for seconds in [7200, 100_000, 3600] {
            #expect(try outcome(rig, seconds) == .notRefreshable)
        }
        #expect(try outcome(rig, 3500) == nil)
        try rig.advance(milliseconds: 3_000_000)
        #expect(try outcome(rig, 7200) == .notRefreshable)
        // Who wants less is served as ever.
        #expect(try refreshed(rig, 3500) == nil)
        #expect(try outcome(rig, 7200) == .notRefreshable)
        try rig.advance(milliseconds: 3_300_001)
        #expect(try refreshed(rig, 7200) == .notRefreshable)
        #expect(try outcome(rig, 7200) == .notRefreshable)
    }

    @Test("The next process knows it by the token that is there")
    func impossibleForAll() throws {
        let disk = try Disk.populated(1)
        do {
            let rig = try Rig(disk)
            #expect(try refreshed(rig, 7200) == .notRefreshable)
            rig.close()
        }
        for _ in 0..<3 {
            let rig = try Rig(disk)
            try rig.advance(milliseconds: 60_000)
            #expect(try outcome(rig, 7200) == .notRefreshable)
            #expect(try outcome(rig, 3000) == nil)
            rig.close()
        }
        // What a refresh can bring is asked for.
        let rig = try Rig(disk)
        try rig.advance(milliseconds: 1_800_000)
        #expect(try refreshed(rig, 3000, expiresIn: 7201) == nil)
        #expect(try outcome(rig, 7200) == nil)
    }

    @Test("What a token lives less its way here counts")
    func border() throws {
        let rig = try Rig(.populated(1))
        #expect(try refreshed(rig, 3599, after: 2000) == .notRefreshable)
        #expect(try outcome(rig, 3599) == .notRefreshable)
        #expect(try outcome(rig, 3597) == nil)
        try rig.advance(milliseconds: 3_300_001)
        #expect(try refreshed(rig, 1000) == nil)
        #expect(try outcome(rig, 3599) == nil)
        try rig.advance(milliseconds: 1000)
        #expect(try outcome(rig, 3599) == .notRefreshable)
    }

    @Test("Many callers cost one refresh")
    func crowd() throws {
        let rig = try Rig(.populated(1))
        let callers = try (0..<200).map { _ in try lend(rig, 7200).errand }
        #expect(rig.network.all.count == 1)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(callers.allSatisfy { $0.isDone && $0.code == .notRefreshable })
        #expect(rig.network.all.count == 1)
    }

    @Test("A token that lives longer is asked for again")
    func longer() throws {
        let rig = try Rig(.populated(1))
        #expect(try refreshed(rig, 7200) == .notRefreshable)
        try rig.advance(milliseconds: 3_300_001)
        #expect(try refreshed(rig, 1000, expiresIn: 10_000) == nil)
        #expect(try outcome(rig, 7200) == nil)
        try rig.advance(milliseconds: 5_000_000)
        #expect(try refreshed(rig, 7200, expiresIn: 10_000) == nil)
    }

    @Test("Other tokens, and another definition of the provider, are asked anew")
    func forgotten() throws {
        let rig = try Rig(.populated(1))
        #expect(try refreshed(rig, 7200) == .notRefreshable)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: TokenText(.access, 0, 2).text),
                    refreshToken: Secret(text: TokenText(.refresh, 0, 2).text),
                    accessTokenExpiry: UnixTime(milliseconds: rig.clock.now + 3_600_000)))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        #expect(try refreshed(rig, 7200) == .notRefreshable)
        #expect(try outcome(rig, 7200) == .notRefreshable)
        let application = try rig.call { vault in
            var application = try vault.store.application(ApplicationID("app"))
            application.provider.refreshMarginSeconds = 120
            try await vault.put(application)
        }
        try rig.flush()
        #expect(application.isDone && application.code == nil)
        #expect(try refreshed(rig, 7200) == .notRefreshable)
    }

    @Test("Tokens that expire on their way cost one refresh a call")
    func expired() throws {
        let rig = try Rig(.populated(1))
        try rig.advance(milliseconds: 3_600_000)
        for _ in 0..<3 {
            #expect(try refreshed(rig, 0, after: 2000, expiresIn: 1) == .notRefreshable)
        }
        #expect(try refreshed(rig, 0) == nil)
    }

    @Test("Memory for them has an end")
    func bounded() {
        var minimums = UnmetMinimums()
        let now = UnixTime(milliseconds: VirtualClock.start)
        let lifetime = RefreshPolicy.Lifetime(
            issued: now, accessTokenExpiry: now.adding(milliseconds: 1000), hasRefreshToken: true)
        func mayBeMet(_ key: RecordKey) -> Bool {
            minimums.mayBeMet(
                key, minimum: 2000, lifetime, due: nil, refreshed: nil, now)
        }
        let keys = (0...UnmetMinimums.countMax).map { Disk.key($0) }
        for key in keys.dropLast() { minimums.note(key, lifetime, now) }
        #expect(!mayBeMet(keys[0]) && mayBeMet(keys[UnmetMinimums.countMax]))
        minimums.note(keys[UnmetMinimums.countMax], lifetime, now)
        #expect(mayBeMet(keys[0]) && !mayBeMet(keys[UnmetMinimums.countMax]))
    }
}
