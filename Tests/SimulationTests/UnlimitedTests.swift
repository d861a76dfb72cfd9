// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Access tokens of which nobody says when they expire.
@Suite("Access tokens without an end") struct UnlimitedTests {
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000

    func rig(_ change: (inout Provider) -> Void) throws -> Rig {
        let disk = Disk()
        try disk.register()
        try disk.changeProvider(change)
        let rig = try Rig(disk)
        try rig.start()
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.1"), refreshToken: Secret(text: "r0.1")),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        return rig
    }

    func status(_ rig: Rig) throws -> ConnectionStatus {
        try #require(try rig.vault.status(Disk.id(0)))
    }

    /// Answers with tokens that state no lifetime.
    func answer(_ rig: Rig, _ serial: Int) throws {
        try rig.answer(
            0,
            Rig.reply(200, #"{"access_token":"a0.\#(serial)","refresh_token":"r0.\#(serial)"}"#))
        try rig.flush()
    }

    @Test("Where they are taken to expire, an hour is assumed")
    func anHourIsAssumed() throws {
        let rig = try rig { _ in }
        let wait = try rig.untilNext(0)
        #expect((Self.hour - 660_000...Self.hour - 300_000).contains(wait))
    }

    @Test("Where they do not, they are lent without limit and never refreshed")
    func areLentForEver() throws {
        let rig = try rig { $0.accessTokensExpire = false }
        #expect(try rig.flush() == nil)
        rig.clock.now += 3650 * Self.day
        #expect(try rig.flush() == nil)
        let reader = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        try rig.flush()
        #expect(reader.isDone && reader.code == nil)
        #expect(rig.network.all.isEmpty)
        let status = try status(rig)
        #expect(status.accessTokenExpiry == nil && status.expirySource == .unknown)
        #expect(status.nextRefresh == nil && status.diesAt == nil && status.nextStep == .none)
    }

    @Test("One that was rejected is refreshed, and its successor is as unlimited")
    func areRefreshedWhenRejected() throws {
        let rig = try rig { $0.accessTokensExpire = false }
        let report = try rig.call { try await $0.reportRejected(Disk.id(0)) }
        try rig.flush()
        // A failure for the time being is tried again by itself.
        try rig.answer(0, TransportReply(failure: .unreachable(curlCode: 7)))
        try rig.flush()
        #expect(report.isDone && report.code == .providerUnreachable)
        #expect(try rig.untilNext(0) <= 1000)
        try answer(rig, 2)
        #expect(rig.isIdle && rig.disk.serial(0) == 2)
        #expect(try rig.flush() == nil)
        #expect(try status(rig).nextRefresh == nil)
    }

    @Test("The refresh token is kept alive where it would die unused")
    func refreshTokensAreKeptAlive() throws {
        let rig = try rig {
            $0.accessTokensExpire = false
            $0.refreshTokenIdleSeconds = 90 * 86_400
        }
        let next = try #require(try status(rig).nextRefresh).milliseconds - rig.clock.now
        #expect((36 * Self.day...45 * Self.day).contains(next))
        try rig.advance(milliseconds: next)
        try rig.flush()
        #expect(try #require(rig.network.last(0)).serial == 1)
        try answer(rig, 2)
        #expect(try status(rig).nextRefresh != nil)
    }

    @Test("A default lifetime still applies")
    func aDefaultApplies() throws {
        let rig = try rig {
            $0.accessTokensExpire = false
            $0.defaultLifetimeSeconds = 7200
        }
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        let asked = rig.clock.now
        try answer(rig, 2)
        let status = try status(rig)
        #expect(status.accessTokenExpiry == UnixTime(milliseconds: asked + 2 * Self.hour))
        #expect(status.expirySource == .provider && status.nextRefresh != nil)
    }

    @Test("An attempt in doubt is made again after a restart, though nothing is due")
    func doubtsAreResumed() throws {
        let disk: Disk
        do {
            let rig = try rig {
                $0.accessTokensExpire = false
                $0.rotation = .never
            }
            _ = try rig.call { try await $0.refresh(Disk.id(0)) }
            try rig.flush()
            #expect(rig.network.all.count == 1)
            disk = rig.disk
        }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        #expect(try #require(rig.network.last(0)).serial == 1)
    }
}
