// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Grants that are dead, or seem so, in words that RFC 6749 has for something else.
@Suite("Refused refreshes") struct RefusedTests {
    @Test(
        "Corrected, or asked for by hand: nobody waits for the back-off of a refusal",
        arguments: [false, true])
    func askedAtOnce(byHand: Bool) throws {
        let rig = try Rig.started(Disk.populated(1, expiringIn: 24 * Self.hour))
        let asked = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        for _ in 0..<7 {
            _ = try rig.untilNext(0)
            try rig.answer(0, Rig.refusal(400, "something_else"))
            try rig.flush()
        }
        try #require(asked.isDone)
        let again =
            byHand
            ? try rig.call { _ = try await $0.retry(application: ApplicationID("app")) }
            : try rig.putApplication(secret: 2)
        if byHand { try rig.flush() }
        #expect(again.code == nil)
        #expect(try rig.untilNext(0) < 10_000)
    }

    static let hour: Int64 = 3_600_000
    static let day = 24 * hour

    /// What servers say of a lost grant, beside `invalid_grant`.
    enum Dialect: CaseIterable {
        case nothing, page, invalidRequest, unauthorizedClient, otherForm

        func reply() throws -> TransportReply {
            switch self {
            case .nothing: TransportReply(status: 400, body: nil)
            case .page: try Rig.reply(400, "<html>Bad request</html>")
            case .invalidRequest: try Rig.refusal(400, "invalid_request")
            case .unauthorizedClient: try Rig.refusal(403, "unauthorized_client")
            case .otherForm: try Rig.reply(400, #"{"message":"no"}"#)
            }
        }

        var answer: Provider.GrantLostAnswer {
            switch self {
            case .nothing, .page, .otherForm: .init(status: 400, error: nil)
            case .invalidRequest: .init(status: 400, error: "invalid_request")
            case .unauthorizedClient: .init(status: 403, error: "unauthorized_client")
            }
        }
    }

    /// Number 0 is dead.
    func reply(_ held: HeldNetwork.Held, _ dialect: Dialect) throws -> TransportReply {
        held.connection == 0
            ? try dialect.reply() : try Rig.tokens(held.connection, held.serial + 1)
    }

    @Test("Undeclared: red once it has expired, and asked once a day", arguments: Dialect.allCases)
    func undeclared(_ dialect: Dialect) throws {
        let disk = try Disk.populated(3)
        let rig = try Rig(disk)
        let heard = try rig.listen()
        try rig.start()
        try rig.answerAll(milliseconds: Self.hour) { try reply($0, dialect) }
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.light == .red && status.reason == .refreshRefused)
        #expect(status.nextStep == .reconnect)
        // Another one has succeeded since: one more try, and then a day.
        #expect(rig.askedCount(0) == 2)
        try rig.answerAll(milliseconds: 3 * Self.day) { try reply($0, dialect) }
        #expect((2...3).contains(rig.askedCount(0) - 2))
        #expect(disk.count(.grantLost) == 0 && disk.alarms == 0)
        #expect(heard.events.map(\.kind) == [.refreshRefused])
        // Callers are told at once, and cause nothing.
        let asked = rig.askedCount(0)
        for call in [
            { try await $0.refresh(Disk.id(0)) },
            { try await $0.withAccessToken(Disk.id(0)) { _ in } },
        ] as [@Sendable (Vault) async throws -> Void] {
            let errand = try rig.call(call)
            try rig.flush()
            #expect(errand.isDone && errand.code == .notRefreshable)
        }
        #expect(rig.askedCount(0) == asked)
    }

    @Test("Without anybody to compare with it is asked once an hour, in each process")
    func onceAnHour() throws {
        let disk = try Disk.populated(1)
        var (now, asked) = (VirtualClock.start, 0)
        for _ in 0..<12 {
            let rig = try Rig(disk, moment: now)
            try rig.start()
            try rig.answerAll(milliseconds: Self.hour / 2) { try reply($0, .nothing) }
            asked += rig.askedCount(0)
            let errand = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
            try rig.flush()
            #expect(errand.code == .notRefreshable)
            #expect(try rig.vault.status(Disk.id(0))?.nextStep == .reconnect)
            now = rig.clock.now
        }
        #expect((5...7).contains(asked))
        // It was the provider after all.
        let rig = try Rig(disk, moment: now)
        try rig.start()
        try rig.answerAll(milliseconds: 2 * Self.hour) { try Rig.tokens(0, $0.serial + 1) }
        #expect(disk.serial(0) ?? 0 > 1)
        #expect(try rig.vault.status(Disk.id(0))?.nextStep == ConnectionStatus.NextStep.none)
    }

    @Test("What another clock wrote keeps nobody waiting for years")
    func refusedInTheFuture() throws {
        let disk = try Disk.populated(1)
        do {
            let rig = try Rig(disk, offset: 3650 * Self.day)
            try rig.start()
            try rig.answerAll(milliseconds: Self.hour / 2) { try reply($0, .nothing) }
            #expect(rig.askedCount(0) == 1)
        }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }

    @Test(
        "Declared: lost once another connection has succeeded since", arguments: Dialect.allCases)
    func declared(_ dialect: Dialect) throws {
        let disk = try Disk.populated(1)
        try disk.changeProvider { $0.grantLostAnswers = [dialect.answer] }
        try disk.connect(1..<2, expiringIn: 3 * Self.hour)
        let rig = try Rig(disk)
        let heard = try rig.listen()
        try rig.start()
        try rig.answerAll(milliseconds: Self.hour / 2) { try reply($0, dialect) }
        #expect(rig.askedCount(1) == 0)
        #expect(disk.count(.grantLost) == 0)
        #expect(try rig.vault.status(Disk.id(0))?.reason == .refreshRefused)
        #expect(rig.askedCount(0) == 1)
        // When it is due again the other one is asked before it, though it is not due.
        try rig.answerAll(milliseconds: Self.hour) { try reply($0, dialect) }
        #expect(rig.askedCount(1) > 0)
        #expect(rig.askedCount(0) == 2)
        #expect(disk.count(.grantLost) == 1)
        #expect(try rig.vault.status(Disk.id(0))?.reason == .grantLost)
        #expect(heard.count(.grantLost) == 1)
        // For good, in this process and the next.
        try rig.answerAll(milliseconds: Self.day) { try reply($0, dialect) }
        #expect(rig.askedCount(0) == 2)
        #expect(rig.isIdle)
    }

    @Test(
        "Declared, but it was the secret, which the provider takes again by now: nobody is lost",
        arguments: Dialect.allCases)
    func declaredOfASecret(_ dialect: Dialect) throws {
        let disk = try Disk.populated(4, concurrent: 1)
        try disk.changeProvider { $0.grantLostAnswers = [dialect.answer] }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        let first = try #require(rig.network.open.first).connection
        try rig.answer(first, dialect.reply())
        try rig.answerAll(milliseconds: Self.hour / 2) {
            try Rig.tokens($0.connection, $0.serial + 1)
        }
        #expect(disk.count(.grantLost) == 0)
        #expect((0..<4).allSatisfy { disk.serial($0) ?? 0 > 1 })
    }

    @Test("Refused late: what had left before the other one's success ends nothing")
    func refusedLate() throws {
        let disk = try Disk.populated(2, concurrent: 3, expiringIn: Self.day)
        try disk.changeProvider { $0.grantLostAnswers = [Dialect.nothing.answer] }
        let rig = try Rig.started(disk)
        let first = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try rig.answer(0, Dialect.nothing.reply())
        try rig.flush()
        #expect(first.code == .providerRefused)
        _ = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        // The other one is asked before it. Neither is answered in time.
        let other = try #require(rig.network.last(1))
        other.request.tellOverdue()
        try rig.flush()
        let late = try #require(rig.network.last(0))
        late.request.tellOverdue()
        try rig.flush()
        other.request.answer(try Rig.tokens(1, other.serial + 1))
        try rig.flush()
        late.request.answer(try Dialect.nothing.reply())
        try rig.flush()
        #expect(disk.count(.grantLost) == 0)
        try rig.answerAll(milliseconds: 2 * Self.hour) {
            try Rig.tokens($0.connection, $0.serial + 1)
        }
        #expect(disk.count(.grantLost) == 0 && disk.serial(0) ?? 0 > 1)
    }

    @Test("A success that left before the refusal was heard, or by another secret, proves nothing")
    func successesThatProveNothing() throws {
        let disk = try Disk.populated(3, concurrent: 3)
        try disk.changeProvider { $0.grantLostAnswers = [Dialect.nothing.answer] }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.count == 3)
        try rig.answer(0, Dialect.nothing.reply())
        try rig.answerWithTokens(1)
        try rig.flush()
        #expect(disk.count(.grantLost) == 0)
        _ = try rig.putApplication(secret: 2)
        try rig.answerWithTokens(2)
        try rig.flush()
        #expect(disk.count(.grantLost) == 0)
        // What it was refused with before the change is void: it is asked anew.
        try rig.answerAll(milliseconds: 2 * Self.hour) {
            try Rig.tokens($0.connection, $0.serial + 1)
        }
        #expect(disk.count(.grantLost) == 0 && disk.serial(0) ?? 0 > 1)
    }

    @Test("Any success at the endpoint makes the postponed due again, but once")
    func successElsewhere() throws {
        let disk = try Disk.populated(1)
        try disk.register("other")
        try disk.connect(1..<2, to: "other", expiringIn: 30 * 60_000)
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 20 * 60_000) { try reply($0, .nothing) }
        #expect(rig.askedCount(0) == 1 && rig.askedCount(1) == 0)
        try rig.answerAll(milliseconds: 15 * 60_000) { try reply($0, .nothing) }
        #expect(rig.askedCount(0) == 2 && rig.askedCount(1) == 1)
        // From here on the other one says nothing new, and an hour is an hour.
        try rig.answerAll(milliseconds: 10 * Self.hour) { try reply($0, .nothing) }
        #expect(rig.askedCount(1) > 9)
        #expect((9...11).contains(rig.askedCount(0) - 2))
    }

    @Test("Those made due again go through the governor")
    func neverAllAtOnce() throws {
        let disk = try Disk.populated(40, concurrent: 2)
        let rig = try Rig(disk)
        try rig.start()
        // Each for its own scopes: that says nothing of the application.
        try rig.answerAll(milliseconds: 60_000) { _ in try Rig.refusal(400, "invalid_scope") }
        #expect((0..<40).allSatisfy { rig.askedCount($0) == 1 })
        try disk.connect(40..<41)
        let caller = try rig.call { try await $0.refresh(Disk.id(40)) }
        try rig.flush()
        try rig.answerWithTokens(40)
        try rig.flush()
        #expect(caller.isDone && rig.network.open.isEmpty)
        // Not at once, where they were refused a moment ago.
        try rig.advance(milliseconds: RefreshPolicy.backoffMillisecondsMax)
        try rig.flush()
        #expect(caller.isDone && rig.network.open.count == 2)
        try rig.answerAll(milliseconds: 1000) { try Rig.tokens($0.connection, $0.serial + 1) }
        #expect((0..<40).allSatisfy { disk.serial($0) == 2 })
    }

    @Test("Before it expires a refused connection is asked ever more seldom")
    func beforeItExpires() throws {
        let disk = try Disk.populated(1, expiringIn: 290_000)
        let rig = try Rig(disk)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try rig.answer(0, Dialect.nothing.reply())
        try rig.flush()
        // Its token is good for a while.
        #expect(caller.code == .providerRefused)
        #expect(try rig.vault.status(Disk.id(0))?.light == .yellow)
        try rig.start()
        try rig.answerAll(milliseconds: 285_000) { try reply($0, .nothing) }
        #expect((2...3).contains(rig.askedCount(0)))
    }

    @Test("A new set of tokens is asked at once, whatever the old one was refused with")
    func otherTokens() throws {
        let disk = try Disk.populated(1)
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 60_000) { try reply($0, .nothing) }
        let put = try rig.call { vault in
            let tokens = TokenSet(
                accessToken: try Secret(text: TokenText(.access, 0, 70).text),
                refreshToken: try Secret(text: TokenText(.refresh, 0, 70).text),
                accessTokenExpiry: UnixTime(milliseconds: VirtualClock.start))
            try await vault.put(Disk.id(0), tokens)
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        #expect(rig.network.open.map(\.serial) == [70])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(disk.serial(0) == 71)
        #expect(rig.failureCount(0) == 0 && rig.isIdle)
    }
}
