// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What is known of an application, or suspected, when its process has ended, or its answers do not
/// come.
@Suite("Suspicions that outlive what raised them") struct SuspicionRestartTests {
    static let hour: Int64 = 3_600_000

    @Test("What was refused for a secret that was corrected says nothing of lost grants")
    func correctedSecret() throws {
        let disk = try Disk.populated(12, concurrent: 1)
        let server = BurningServer()
        server.secret = 2
        var now = VirtualClock.start
        do {
            let rig = try Rig(disk)
            try rig.start()
            try rig.flush()
            let first = try #require(rig.network.open.first)
            try rig.answer(first.connection, server.reply(first))
            _ = try rig.putApplication(secret: 2)
            // What has left with the old one says nothing.
            while server.served.isEmpty {
                let held = try #require(rig.network.open.first)
                let isNew = held.secret == server.secret
                try rig.answer(
                    held.connection,
                    isNew ? server.reply(held) : TransportReply(status: 503, body: nil))
                try rig.flush()
                try rig.advance(milliseconds: 100)
            }
            now = rig.clock.now
            rig.close()
        }
        #expect(server.burnt.count == 1 && server.served.count == 1)
        server.secret = 3
        let rig = try Rig(disk, moment: now)
        try rig.start()
        try rig.answerAll(milliseconds: 48 * Self.hour, server.reply)
        #expect(server.burnt.count - 1 <= Suspicion.riskedMax)
    }

    @Test("Tokens that were put show nothing of the application, nor do those of another clock")
    func putOverTheFuture() throws {
        let disk = try Disk.populated(12, concurrent: 1)
        let server = BurningServer()
        do {
            let ahead = try Rig(disk, moment: VirtualClock.start + 3653 * 24 * Self.hour)
            try ahead.start()
            try ahead.answerAll(milliseconds: 60_000, server.reply)
            ahead.close()
        }
        try #require(server.served.count >= 12)
        server.secret = 2
        var now = VirtualClock.start + Self.hour
        do {
            let rig = try Rig(disk, moment: now)
            try rig.start()
            try rig.answerAll(milliseconds: Self.hour, server.reply)
            try #require(server.burnt.count == Suspicion.riskedMax)
            let other = try #require((0..<12).first { !server.burnt.contains($0) })
            let put = try rig.call { vault in
                try await vault.put(
                    Disk.id(other),
                    TokenSet(
                        accessToken: Secret(text: "a\(other).900"),
                        refreshToken: Secret(text: "r\(other).900")),
                    application: ApplicationID("app"))
            }
            try rig.flush()
            try #require(put.isDone && put.code == nil)
            #expect(try rig.vault.status(Disk.id(other))?.lastRefreshed == nil)
            now = rig.clock.now
            rig.close()
        }
        let rig = try Rig(disk, moment: now)
        try rig.start()
        try rig.answerAll(milliseconds: 3 * Self.hour, server.reply)
        #expect(server.burnt.count == Suspicion.riskedMax)
    }

    @Test("Another client id stays unproven when its secret is put later, in the next process too")
    func secretAfterID() throws {
        let disk = try Disk.populated(20)
        let rig = try Rig(disk)
        _ = try rig.putApplication(secret: 2) { $0.clientID = "staging" }
        _ = try rig.putApplication(secret: 3)
        rig.close()
        let next = try Rig(disk, moment: rig.clock.now)
        try next.start()
        try next.answerAll(milliseconds: 3 * Self.hour) { _ in
            try Rig.refusal(400, "invalid_grant")
        }
        #expect(Set(next.network.all.map(\.connection)).count == Suspicion.riskedMax)
        #expect(disk.count(.grantLost) == 0 && disk.alarms == 1)
    }

    @Test("Two are refused, and a third that was out is silent: nobody waits for it")
    func thirdIsSilent() throws {
        let disk = try Disk.populated(6, concurrent: 3)
        let rig = try Rig.started(disk)
        let heard = try rig.listen()
        let out = rig.network.open.map(\.connection)
        #expect(out.count == 3)
        let waiting = try #require((0..<6).first { !out.contains($0) })
        let caller = try rig.call { try await $0.refresh(Disk.id(waiting)) }
        for connection in out.prefix(2) {
            try rig.answer(connection, TransportReply(status: 400, body: nil))
        }
        try rig.flush()
        #expect(!caller.isDone && heard.count(.applicationRejected) == 0)
        try rig.advance(milliseconds: 15_000)
        try rig.makeOverdue(out[2])
        try rig.flush()
        #expect(caller.isDone)
        #expect(caller.code == .applicationMisconfigured)
        #expect(heard.numbers(.applicationRejected) == [400])
        #expect(disk.alarms == 1)
    }

    @Test("A lost grant that was believed and not stored is believed when it is refused again")
    func believedLater() throws {
        let disk = try Disk.populated(3, concurrent: 1)
        try disk.changeProvider { $0.grantLostAnswers = [.init(status: 400, error: nil)] }
        // As the process left it that ended between the two.
        try disk.changeRecord(0) { record in
            try record.set(
                ConnectionRecord.Failure(
                    code: VaultEvent.Kind.refreshRefused.code, status: 400,
                    time: UnixTime(milliseconds: VirtualClock.start)))
            try record.fields.set(
                ConnectionTag.refusal,
                integer: Refusal.Kind.grant.rawValue | Refusal.provenFlag)
        }
        let rig = try Rig(disk)
        try rig.start()
        try rig.answerAll(milliseconds: 48 * Self.hour) { held in
            held.connection == 0
                ? TransportReply(status: 400, body: nil)
                : try Rig.tokens(held.connection, held.serial + 1)
        }
        #expect(rig.askedCount(0) == 1 && disk.count(.grantLost) == 1)
        #expect(try rig.vault.status(Disk.id(0))?.reason == .grantLost)
    }
}
