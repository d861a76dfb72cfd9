// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// A server that burns the refresh token over a wrong client secret, and says nothing of it.
@Suite("Suspected applications") struct SuspicionTests {
    static let hour: Int64 = 3_600_000

    @Test("A wrong secret is put: two grants at most are lost, whatever happens then")
    func wrongSecretIsPut() throws {
        let disk = try Disk.populated(20, expiringIn: 3 * Self.hour)
        let server = BurningServer()
        var now = VirtualClock.start
        do {
            let rig = try Rig(disk)
            try rig.start()
            #expect(try rig.putApplication(secret: 9).code == nil)
            try rig.answerAll(milliseconds: 12 * Self.hour, server.reply)
            #expect(server.burnt.count == Suspicion.riskedMax)
            #expect(disk.alarms == 1)
            let caller = try rig.call { try await $0.withAccessToken(Disk.id(7)) { _ in } }
            try rig.flush()
            #expect(caller.code == .applicationMisconfigured)
            now = rig.clock.now
        }
        // Neither a restart, nor the same again, nor both lose another one.
        for _ in 0..<4 {
            let rig = try Rig(disk, moment: now)
            try rig.start()
            _ = try rig.putApplication(secret: 9)
            try rig.answerAll(milliseconds: 3 * Self.hour, server.reply)
            #expect(server.burnt.count == Suspicion.riskedMax)
            now = rig.clock.now
        }
        let rig = try Rig(disk, moment: now)
        try rig.start()
        _ = try rig.putApplication(secret: 1)
        try rig.answerAll(milliseconds: Self.hour, server.reply)
        #expect(Set(server.served).count == 20 - Suspicion.riskedMax)
        #expect(server.burnt.count == Suspicion.riskedMax)
        for connection in server.burnt {
            let status = try #require(try rig.vault.status(Disk.id(connection)))
            #expect(status.light == .red && status.nextStep == .reconnect)
        }
        #expect(disk.count(.grantLost) == 0)
    }

    @Test("A secret that expires costs what was out, or two", arguments: [1, 2, 8])
    func secretExpires(_ concurrent: Int) throws {
        let disk = try Disk.populated(30, concurrent: concurrent)
        let server = BurningServer()
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        for _ in 0..<5 {
            let held = try #require(rig.network.open.first)
            try rig.answer(held.connection, server.reply(held))
            try rig.flush()
        }
        server.secret = 2
        try rig.answerAll(milliseconds: 48 * Self.hour, server.reply)
        #expect(server.burnt.count <= max(Suspicion.riskedMax, concurrent))
        #expect(disk.alarms == 1)
        _ = try rig.putApplication(secret: 2)
        try rig.answerAll(milliseconds: Self.hour, server.reply)
        #expect(Set(server.served).count == 30 - server.burnt.count)
    }

    @Test("Answers that are outstanding or lost are risks: no more than two are asked")
    func outstandingIsRisked() throws {
        let disk = try Disk.populated(20, expiringIn: 600_000)
        let rig = try Rig(disk)
        try rig.start()
        #expect(try rig.putApplication(secret: 9).code == nil)
        try rig.advance(milliseconds: 400_000)
        func wait(steps: Int) throws {
            for _ in 0..<steps {
                try rig.advance(milliseconds: 20_000)
                try rig.flush()
                for held in rig.network.open { held.request.tellOverdue() }
                try rig.flush()
            }
        }
        try wait(steps: 25)
        #expect(rig.network.all.count == Suspicion.riskedMax)
        try #require(rig.network.open.first).request.answer(
            TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        try wait(steps: 25)
        // Those two, again: what became of their grants is not known.
        #expect(rig.network.all.count > Suspicion.riskedMax)
        #expect(Set(rig.network.all.map(\.connection)).count == Suspicion.riskedMax)
        // One that is answered clears both, and the others follow.
        let last = try #require(rig.network.open.last)
        try rig.answerWithTokens(last.connection)
        try rig.flush()
        #expect(rig.network.open.count > Suspicion.riskedMax)
    }

    @Test("Of three connections one is left when the secret is wrong")
    func oneOfThreeIsLeft() throws {
        let disk = try Disk.populated(3, concurrent: 1)
        let server = BurningServer()
        server.secret = 2
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 48 * Self.hour, server.reply)
        #expect(server.burnt.count == 2)
        #expect(disk.alarms == 1)
    }

    @Test("One refusal among many holds the others up for one answer")
    func oneRefusalIsNoRejection() throws {
        let disk = try Disk.populated(40, concurrent: 4)
        let server = BurningServer(dead: [3, 17, 30])
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 1000, server.reply)
        #expect(Set(server.served).count == 37)
        #expect(disk.alarms == 0)
        #expect(server.burnt.isEmpty)
    }

    @Test("After a change one at a time, the one that was refreshed last before all others")
    func oneAtATime() throws {
        let disk = Disk()
        try disk.register(concurrent: 8)
        try disk.connect(0..<6)
        try disk.connect(7..<10)
        // Due long after the others, but refreshed last.
        try disk.connect(6..<7, expiringIn: Self.hour)
        let rig = try Rig(disk)
        _ = try rig.putApplication(secret: 2)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [6])
        #expect(rig.network.open.map(\.secret) == [2])
        // Silent for as long as a request may be: the turn passes on.
        try rig.answer(6, TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        let second = try #require(rig.network.open.first)
        #expect(rig.network.open.count == 1 && second.connection != 6)
        try rig.answerWithTokens(second.connection)
        try rig.flush()
        #expect(rig.network.open.count == 8)
        #expect(rig.network.open.allSatisfy { $0.secret == 2 })
    }

    @Test("What was made with the old secret does not leave with it, and its callers ask again")
    func outdatedRequests() throws {
        let disk = try Disk.populated(12, concurrent: 1)
        let rig = try Rig(disk)
        let callers = try (0..<12).map { number in
            try rig.call {
                try await $0.withAccessToken(Disk.id(number), minimumLifetime: .seconds(60)) { _ in
                }
            }
        }
        try rig.flush()
        #expect(rig.network.open.count == 1)
        let first = try #require(rig.network.open.first)
        _ = try rig.putApplication(secret: 2)
        // It left before the change: what it brings is as good as any, and proves nothing.
        try rig.answerWithTokens(first.connection)
        try rig.answerAll(milliseconds: 1000) { try Rig.tokens($0.connection, $0.serial + 1) }
        #expect(callers.allSatisfy { $0.isDone && $0.code == nil })
        #expect(rig.network.all.map(\.secret) == [1] + Array(repeating: 2, count: 11))
        #expect(rig.isIdle)
    }

    @Test("The same application again is no change: nothing is written, asked or forgotten")
    func theSameAgain() throws {
        let disk = try Disk.populated(10)
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 2 * 60_000) { _ in
            try Rig.refusal(401, "invalid_client")
        }
        let (asked, generation) = (rig.network.all.count, disk.contents.generation)
        #expect(try rig.putApplication(secret: 1).code == nil)
        #expect(rig.network.all.count == asked && disk.contents.generation == generation)
        #expect(try rig.vault.status(Disk.id(1))?.nextStep == .correctApplication)
        // Another callback URL is no reason to risk anybody who was not asked yet.
        let before = Set(rig.network.all.map(\.connection))
        _ = try rig.putApplication(secret: 1) { $0.redirectURI = "https://platform.example/two" }
        try rig.answerAll(milliseconds: 60_000) { _ in try Rig.refusal(401, "invalid_client") }
        #expect(Set(rig.network.all.map(\.connection)) == before)
    }

    @Test("Another client's secret does not end grants: invalid_grant after a change of the id")
    func anotherClient() throws {
        let disk = try Disk.populated(20)
        let rig = try Rig(disk)
        _ = try rig.putApplication(secret: 2) { $0.clientID = "staging" }
        try rig.start()
        try rig.answerAll(milliseconds: 3 * Self.hour) { _ in
            try Rig.refusal(400, "invalid_grant")
        }
        #expect(Set(rig.network.all.map(\.connection)).count == Suspicion.riskedMax)
        #expect(disk.count(.grantLost) == 0 && disk.alarms == 1)
        _ = try rig.putApplication(secret: 1) { $0.clientID = "client" }
        try rig.answerAll(milliseconds: Self.hour) { try Rig.tokens($0.connection, $0.serial + 1) }
        #expect((0..<20).allSatisfy { disk.serial($0) ?? 0 > 1 })
    }

    @Test("A rejection is remembered: each process asks those that were refused, and no others")
    func rejectionOutlivesTheProcess() throws {
        let disk = try Disk.populated(30, concurrent: 2)
        var now = VirtualClock.start
        var asked: Set<Int> = []
        for process in 0..<4 {
            let rig = try Rig(disk, moment: now)
            try rig.start()
            try rig.answerAll(milliseconds: 5 * 60_000) { _ in
                try Rig.refusal(401, "invalid_client")
            }
            if process == 0 { asked = Set(rig.network.all.map(\.connection)) }
            #expect(!rig.network.all.isEmpty)
            #expect(asked.isSuperset(of: rig.network.all.map(\.connection)))
            #expect(try rig.vault.status(Disk.id(29))?.nextStep == .correctApplication)
            now = rig.clock.now
        }
        let rig = try Rig(disk, moment: now)
        try rig.start()
        try rig.answerAll(milliseconds: 10 * 60_000) {
            try Rig.tokens($0.connection, $0.serial + 1)
        }
        #expect((0..<30).allSatisfy { disk.serial($0) == 2 })
    }

    @Test("An operator's word ends it too, at the cost of two more at most")
    func anOperatorSaysSo() throws {
        let disk = try Disk.populated(12, concurrent: 2)
        let server = BurningServer()
        server.secret = 2
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 60_000, server.reply)
        let burnt = server.burnt.count
        for _ in 0..<2 {
            let retry = try rig.call { _ = try await $0.retry(application: ApplicationID("app")) }
            try rig.answerAll(milliseconds: Self.hour, server.reply)
            #expect(retry.isDone && retry.code == nil)
        }
        #expect(server.burnt.count <= burnt + 2 * Suspicion.riskedMax)
        server.secret = 1
        _ = try rig.call { _ = try await $0.retry(application: ApplicationID("app")) }
        try rig.answerAll(milliseconds: Self.hour, server.reply)
        #expect(Set(server.served).count == 12 - server.burnt.count)
    }

    @Test("Where lost grants are known a few in a row stop the others for an hour, not for ever")
    func aFewDeadGrantsInARow() throws {
        let disk = try Disk.populated(10, concurrent: 1)
        let server = BurningServer(dead: [0])
        let rig = try Rig(disk)
        try rig.start()
        // The provider is known to say so of lost grants now.
        try rig.answerAll(milliseconds: 2 * Self.hour, server.reply)
        #expect(disk.alarms == 0)
        for connection in 1..<9 { server.lose(connection) }
        try rig.answerAll(milliseconds: 24 * Self.hour, server.reply)
        let served = server.served.count
        try rig.answerAll(milliseconds: 2 * Self.hour, server.reply)
        #expect(server.served.count > served && server.served.last == 9)
    }

    @Test("A success is the tokens' that had it, not the handle's", arguments: [true, false])
    func successOfAnother(_ isDisconnected: Bool) throws {
        let rig = try Rig.started(.populated(1))
        try rig.answerWithTokens(0)
        try rig.flush()
        func successes() -> [Handle] {
            rig.vault.refresher.shared.withLock {
                $0.upkeep.queues[0].suspicion.successes.map(\.handle)
            }
        }
        let handle = try #require(try rig.store.version(Disk.key(0))?.handle)
        #expect(successes() == [handle])
        let id = isDisconnected ? 1 : 0
        let change = try rig.call { vault in
            if isDisconnected { try await vault.disconnect(Disk.id(0)) }
            try await vault.put(
                Disk.id(id),
                TokenSet(accessToken: Secret(text: "a1.1"), refreshToken: Secret(text: "r1.1")),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(change.isDone && change.code == nil)
        #expect(try rig.store.version(Disk.key(id))?.handle == handle && successes().isEmpty)
    }
}
