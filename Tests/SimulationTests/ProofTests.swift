// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What shows that an application is taken, or leaves its connections nothing to lose.
@Suite("What a suspicion ends with") struct ProofTests {
    static let hour: Int64 = 3_600_000

    /// A user connects, and the code is exchanged.
    func connect(_ rig: Rig) throws {
        let connect = try rig.call { vault in
            let request = try await vault.connect(Disk.id(50), application: ApplicationID("app"))
            let query = try Secret(text: "code=k50.0&state=\(request.state)")
            _ = try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        let code = try #require(rig.network.open.first { $0.request.isReserved })
        code.request.answer(try Rig.tokens(50, 1))
        try rig.flush()
        #expect(connect.isDone && connect.code == nil)
    }

    @Test("A code that is exchanged shows that the application is taken: all others leave at once")
    func aCodeIsProof() throws {
        let disk = try Disk.populated(6, concurrent: 4)
        let server = BurningServer()
        server.secret = 2
        let rig = try Rig.started(disk)
        // Four are out; each is refused, and two are left that nobody risks.
        while let held = rig.network.open.first {
            held.request.answer(try server.reply(held))
            try rig.flush()
        }
        #expect(server.burnt.count == 4 && rig.network.all.count == 4)
        #expect(disk.alarms == 1)
        try rig.advance(milliseconds: Self.hour)
        try rig.flush()
        #expect(rig.network.open.allSatisfy { server.burnt.contains($0.connection) })
        for held in rig.network.open { held.request.answer(try server.reply(held)) }
        try rig.flush()
        let asked = rig.network.all.count
        // The provider takes the old secret again, and nobody puts anything.
        server.secret = 1
        try connect(rig)
        let others = Set(rig.network.all.dropFirst(asked + 1).map(\.connection))
        #expect(others.isSuperset(of: Set(0..<6).subtracting(server.burnt)))
        try rig.answerAll(milliseconds: 60_000, server.reply)
        #expect(Set(server.served).intersection(0..<6) == Set(0..<6).subtracting(server.burnt))
    }

    @Test("Refused before a code was exchanged, and again after it: the grant is lost")
    func aCodeProvesALoss() throws {
        let disk = try Disk.populated(1)
        try disk.changeProvider {
            $0.grantLostAnswers = [Provider.GrantLostAnswer(status: 400, error: nil)]
        }
        let rig = try Rig.started(disk)
        try rig.answer(0, TransportReply(status: 400, body: nil))
        try rig.flush()
        #expect(disk.count(.grantLost) == 0 && disk.count(.refreshRefused) == 1)
        try connect(rig)
        #expect(disk.count(.grantLost) == 0)
        #expect(try rig.untilNext(0) <= RefreshPolicy.backoffMillisecondsMax)
        try rig.answer(0, TransportReply(status: 400, body: nil))
        try rig.flush()
        #expect(disk.count(.grantLost) == 1)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.light == .red && status.nextStep == .reconnect)
    }

    @Test("What had left before a refusal was heard proves nothing to the next process either")
    func storedAfterTheRefusal() throws {
        let disk = try Disk.populated(2)
        try disk.changeProvider {
            $0.grantLostAnswers = [Provider.GrantLostAnswer(status: 400, error: nil)]
        }
        let rig = try Rig.started(disk)
        try rig.advance(milliseconds: 100)
        try rig.answer(0, TransportReply(status: 400, body: nil))
        try rig.flush()
        try rig.answerWithTokens(1)
        try rig.flush()
        #expect(disk.serial(1) == 2)
        rig.close()
        let next = try Rig(disk, moment: rig.clock.now + 1000)
        try next.start()
        // The other one is fresh for longer than that.
        try next.answerAll(milliseconds: Self.hour / 2) { _ in
            TransportReply(status: 400, body: nil)
        }
        #expect(next.askedCount(0) > 0 && disk.count(.grantLost) == 0)
    }

    @Test(
        "By the provider's limits all grants are over: after a change two are risked all the same")
    func limitsSaySo() throws {
        let disk = try Disk.populated(12)
        try disk.changeProvider { $0.refreshTokenIdleSeconds = 1800 }
        let server = BurningServer()
        let rig = try Rig(disk)
        try rig.start()
        #expect(try rig.putApplication(secret: 9).code == nil)
        try rig.answerAll(milliseconds: 6 * Self.hour, server.reply)
        #expect(server.burnt.count == Suspicion.riskedMax)
    }

    @Test("A lost answer that costs nothing is no reason to risk one more")
    func aLostAnswer() throws {
        let disk = try Disk.populated(1, concurrent: 1)
        try disk.connect(1..<12, expiringIn: 2 * Self.hour)
        try disk.changeProvider { $0.reuseGraceSeconds = 3600 }
        let server = BurningServer()
        server.secret = 2
        let rig = try Rig.started(disk)
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.answerAll(milliseconds: 6 * Self.hour, server.reply)
        #expect(server.burnt.first == 0 && server.burnt.count == Suspicion.riskedMax)
    }

    @Test("Where refusals are known to mean grants one more is risked an hour, whatever it counts")
    func oneAnHour() throws {
        let disk = try Disk.populated(2, concurrent: 1)
        try disk.connect(2..<20, expiringIn: 2 * Self.hour)
        try disk.changeProvider {
            $0.grantLostAnswers = [Provider.GrantLostAnswer(status: 400, error: nil)]
            // The others are over by then, as far as anybody knows.
            $0.refreshTokenIdleSeconds = 3660
        }
        let server = BurningServer()
        server.secret = 2
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 30 * 60_000, server.reply)
        #expect(server.burnt.count == 2)
        for hours in 1...5 {
            try rig.answerAll(milliseconds: Self.hour, server.reply)
            #expect(server.burnt.count <= 2 + hours)
        }
        #expect(server.burnt.count > 2)
    }

    @Test("A definition that lists the answer is as good: some lost grants stop nobody for ever")
    func aListedAnswer() throws {
        let disk = try Disk.populated(10, concurrent: 1)
        try disk.changeProvider {
            $0.grantLostAnswers = [Provider.GrantLostAnswer(status: 400, error: nil)]
        }
        let server = BurningServer(dead: Set(0..<9))
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 24 * Self.hour, server.reply)
        #expect(server.served.contains(9))
    }

    @Test("What was heard by a clock that was ahead does not stop the others until that time comes")
    func heardInTheFuture() throws {
        let disk = try Disk.populated(10, concurrent: 1)
        try disk.changeProvider {
            $0.grantLostAnswers = [Provider.GrantLostAnswer(status: 400, error: nil)]
        }
        let server = BurningServer(dead: Set(0..<9))
        do {
            let rig = try Rig(disk, offset: 3653 * 24 * Self.hour)
            try rig.start()
            try rig.answerAll(milliseconds: Self.hour / 2, server.reply)
        }
        #expect(server.served.isEmpty && disk.count(.refreshRefused) == 2)
        let rig = try Rig(disk, moment: VirtualClock.start + Self.hour)
        try rig.start()
        try rig.answerAll(milliseconds: 24 * Self.hour, server.reply)
        #expect(server.served.contains(9))
    }

    @Test("A grant that seems dead is red, though the disk is full too")
    func redOnAFullDisk() throws {
        let disk = try Disk.populated(2)
        let rig = try Rig.started(disk)
        try rig.answer(0, Rig.refusal(400, "invalid_request"))
        try rig.advance(milliseconds: 6000)
        try rig.flush()
        disk.room = .none
        try rig.answerWithTokens(1)
        try rig.flush()
        #expect(try rig.vault.status(Disk.id(1))?.reason == .storageRefused)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.light == .red && status.reason == .refreshRefused)
        #expect(status.nextStep == .reconnect)
        disk.room = .enough
        try rig.advance(milliseconds: Refresher.storeAgainMilliseconds)
        try rig.flush()
    }

    @Test("One that expires before its turn comes is not asked again until an hour is over")
    func expiresBeforeItsTurn() throws {
        let disk = try Disk.populated(1, expiringIn: 100_000)
        let rig = try Rig.started(disk)
        // Not for its application's sake.
        func refuse() throws {
            try rig.answer(0, Rig.refusal(400, "invalid_scope"))
            try rig.flush()
        }
        try refuse()
        // Due a minute later, while it is fresh; but the process stands still.
        try rig.advance(milliseconds: 200_000)
        try rig.flush()
        #expect(rig.askedCount(0) == 1)
        #expect(try rig.untilNext(0) >= Self.hour - 200_000)
        try refuse()
        #expect(rig.askedCount(0) == 2)
    }

    @Test("With one that was refused before nothing is risked, though its answer is lost")
    func unansweredAfterARefusal() throws {
        let rig = try Rig.started(.populated(2))
        try rig.answer(0, Rig.refusal(400, "invalid_request"))
        try rig.flush()
        _ = try rig.putApplication(secret: 2)
        try rig.flush()
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        if rig.network.open.first?.connection == 1 {
            try rig.answer(1, TransportReply(status: 503, body: nil))
            try rig.flush()
        }
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        let count = rig.vault.refresher.shared.withLock {
            $0.upkeep.queues[0].suspicion.unansweredCount
        }
        #expect(count == 0)
    }
}
