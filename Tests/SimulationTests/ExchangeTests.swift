// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Providers without refresh tokens, where the access token itself is exchanged for the next one,
/// as at Facebook.
@Suite("The access token is exchanged") struct ExchangeTests {
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000

    /// An application at such a provider, with nothing connected.
    func rig(_ change: (inout Provider) -> Void = { _ in }) throws -> Rig {
        let disk = Disk()
        try disk.register()
        try disk.changeProvider {
            $0.refreshGrant = .exchange(
                grantType: "fb_exchange_token", parameter: "fb_exchange_token")
            $0.grantLostErrors = ["190"]
            change(&$0)
        }
        let rig = try Rig(disk)
        try rig.start()
        return rig
    }

    /// The platform stores a token that lives for so long.
    func put(_ rig: Rig, living milliseconds: Int64?, refreshToken: String? = nil) throws {
        let expiry = milliseconds.map { UnixTime(milliseconds: rig.clock.now + $0) }
        let errand = try rig.call { vault in
            var refresh: Secret?
            if let refreshToken { refresh = try Secret(text: refreshToken) }
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.1"), refreshToken: refresh,
                    accessTokenExpiry: expiry,
                    refreshTokenExpiry: refreshToken == nil ? nil : expiry),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(errand.isDone && errand.code == nil)
    }

    func answer(_ rig: Rig, serial: Int64, seconds: Int64) throws {
        try rig.answer(
            0, Rig.reply(200, #"{"access_token":"a0.\#(serial)","expires_in":\#(seconds)}"#))
        try rig.flush()
    }

    func status(_ rig: Rig) throws -> ConnectionStatus {
        try #require(try rig.vault.status(Disk.id(0)))
    }

    /// The form of the request that is out.
    func form(_ rig: Rig) throws -> String {
        let held = try #require(rig.network.last(0))
        return String(decoding: TokenText.copy(held.request.body), as: UTF8.self)
    }

    @Test("At half of its life it is sent in the form, and the answer moves the end away")
    func isExchangedInTime() throws {
        let rig = try rig()
        let start = rig.clock.now
        try put(rig, living: 2 * Self.hour)
        var status = try status(rig)
        #expect(status.diesAt == UnixTime(milliseconds: start + 2 * Self.hour))
        #expect(status.endCause == .stated)
        let wait = try rig.untilNext(0)
        #expect((Self.hour * 4 / 5...Self.hour).contains(wait))
        let form = try form(rig)
        #expect(form.hasPrefix("grant_type=fb_exchange_token&fb_exchange_token=a0.1&client_id="))
        #expect(
            !form.contains("refresh_token")
                && rig.network.last(0)?.request.url.contains("?") == false)
        let asked = rig.clock.now
        try answer(rig, serial: 2, seconds: 60 * 86_400)
        #expect(rig.isIdle && rig.disk.doubts.isEmpty)
        status = try self.status(rig)
        #expect(status.diesAt == UnixTime(milliseconds: asked + 60 * Self.day))
        #expect(status.endCause == .stated && status.refreshCount == 1)
        let next = try #require(status.nextRefresh).milliseconds - asked
        #expect((24 * Self.day...30 * Self.day).contains(next))
        #expect(rig.record(0).contains("a0.2") && !rig.record(0).contains("a0.1"))
    }

    @Test("No refresh token of before outlives an exchange, and none is presented")
    func aStaleRefreshTokenGoes() throws {
        let rig = try rig()
        try put(rig, living: 2 * Self.hour, refreshToken: "r0.1")
        #expect(try status(rig).refreshTokenExpiry != nil)
        _ = try rig.untilNext(0)
        #expect(try !form(rig).contains("r0.1"))
        try answer(rig, serial: 2, seconds: 7200)
        #expect(rig.record(0).contains("a0.2") && !rig.record(0).contains("r0.1"))
        #expect(try status(rig).refreshTokenExpiry == nil)
    }

    @Test("What has expired is not sent: the light is red, and the user connects again")
    func tooLate() throws {
        let rig = try rig()
        try put(rig, living: 2 * Self.hour)
        _ = try rig.untilNext(0)
        try rig.answer(0, TransportReply(failure: .unreachable(curlCode: 7)))
        try rig.flush()
        #expect(try status(rig).nextStep == .wait)
        let count = rig.network.all.count
        rig.clock.now += 2 * Self.hour
        // It was due again long ago; nothing leaves, and nothing is due any more.
        for _ in 0..<10 { try rig.flush() }
        #expect(rig.network.all.count == count && rig.isIdle)
        #expect(try rig.flush() == nil)
        let status = try status(rig)
        #expect(status.light == .red && status.nextStep == .reconnect && status.reason == nil)
        #expect(status.endCause == .notRenewable && status.nextRefresh == nil)
        for call: @Sendable (Vault) async throws -> Void in [
            { try await $0.refresh(Disk.id(0)) },
            { try await $0.withAccessToken(Disk.id(0)) { _ in } },
        ] {
            let errand = try rig.call(call)
            try rig.flush()
            #expect(errand.isDone && errand.code == .notRefreshable)
        }
        #expect(rig.network.all.count == count)
        // Connecting again, here by the platform, mends it.
        try put(rig, living: 2 * Self.hour)
        #expect(try self.status(rig).nextStep == .none)
        #expect(try self.status(rig).nextRefresh != nil)
    }

    @Test("A caller whose turn comes after the expiry is told, and nothing is sent")
    func expiresWhileItWaits() throws {
        let rig = try rig()
        try put(rig, living: 2 * Self.hour)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        rig.clock.now += 2 * Self.hour
        try rig.flush()
        #expect(caller.isDone && caller.code == .notRefreshable)
        #expect(rig.network.all.isEmpty && rig.isIdle && rig.disk.doubts.isEmpty)
    }

    @Test("Facebook's 190 ends the grant")
    func isLost() throws {
        let rig = try rig()
        try put(rig, living: 2 * Self.hour)
        _ = try rig.untilNext(0)
        try rig.answer(
            0,
            Rig.reply(
                400, #"{"error":{"message":"x","type":"OAuthException","code":190}}"#))
        try rig.flush()
        let status = try status(rig)
        #expect(status.light == .red && status.reason == .grantLost)
        #expect(status.nextStep == .reconnect && status.reasonNumber == 400)
        #expect(rig.disk.count(.grantLost) == 1)
        #expect(try rig.flush() == nil)
    }

    @Test("A token that was rejected is exchanged at once")
    func isExchangedWhenRejected() throws {
        let rig = try rig()
        try put(rig, living: 60 * Self.day)
        #expect(rig.network.all.isEmpty)
        let report = try rig.call { try await $0.reportRejected(Disk.id(0)) }
        try rig.flush()
        #expect(try form(rig).contains("fb_exchange_token=a0.1"))
        try answer(rig, serial: 2, seconds: 60 * 86_400)
        #expect(report.isDone && report.code == nil)
    }

    @Test("Exchanges that bring no later end are fewer each time, and come to an end")
    func endsItsSeries() throws {
        let rig = try rig()
        let end = rig.clock.now + 60 * Self.day
        try put(rig, living: 60 * Self.day)
        var serial: Int64 = 1
        while rig.clock.now < end, serial < 100 {
            let sleep = try rig.flush()
            guard rig.network.last(0) != nil else {
                // A lifetime of whole seconds ends a little before the true end.
                guard let sleep else { break }
                try rig.advance(milliseconds: max(1, sleep))
                continue
            }
            serial += 1
            try answer(rig, serial: serial, seconds: max(1, (end - rig.clock.now) / 1000))
        }
        #expect((12..<40).contains(serial) && end - rig.clock.now < 2000, "\(serial)")
    }
}
