// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Who is told what, and how often: of changes, once.
@Suite("Alarms") struct AlarmTests {
    /// Answers everything that is out, again and again, until nothing is due for so long.
    func answerAll(
        _ rig: Rig, milliseconds: Int64, _ reply: (HeldNetwork.Held) throws -> TransportReply
    ) throws {
        let end = rig.clock.now + milliseconds
        while rig.clock.now < end {
            try rig.flush()
            while let held = rig.network.open.first {
                try rig.answer(held.connection, reply(held))
                try rig.flush()
            }
            let sleep = try rig.settle() ?? milliseconds
            try rig.advance(milliseconds: min(max(1, sleep), end - rig.clock.now))
        }
    }

    @Test("A wrong client secret is one alarm for fifty connections, which keep their state")
    func rejected() throws {
        let rig = try Rig(.populated(50))
        let heard = try rig.listen()
        try rig.start()
        try answerAll(rig, milliseconds: 10 * 60_000) { _ in
            try Rig.refusal(401, "invalid_client")
        }
        // Those that were out together with the first, and one probe a minute.
        #expect(rig.network.all.count <= 8 + 10)
        #expect(rig.network.all.count >= 1 + 9)
        let (caller, requests) = (try refresh(rig, 49), rig.network.all.count)
        #expect(caller.code == .applicationMisconfigured)
        #expect(rig.network.all.count == requests)
        #expect(rig.disk.alarms == 1)
        #expect(heard.events.map(\.kind) == [.applicationRejected])
        for connection in 0..<50 {
            let status = try #require(try rig.vault.status(Disk.id(connection)))
            #expect(status.nextStep == .correctApplication)
            #expect(rig.disk.serial(connection) == 1)
        }
        // Somebody corrects it: all are refreshed at once.
        let application = try rig.vault.store.application(ApplicationID("app"))
        let provider = application.provider
        let put = try rig.call { vault in
            try await vault.put(
                Application(
                    id: ApplicationID("app"), provider: provider, clientID: "client",
                    clientSecret: Secret(text: "s0.2"),
                    redirectURI: "https://platform.example/callback"))
        }
        try answerAll(rig, milliseconds: 1000) { try Rig.tokens($0.connection, $0.serial + 1) }
        #expect(put.isDone && put.code == nil)
        #expect((0..<50).allSatisfy { rig.disk.serial($0) == 2 })
        #expect(try rig.vault.status(Disk.id(49))?.nextStep == ConnectionStatus.NextStep.none)
        #expect(rig.disk.alarms == 1)
        #expect(rig.disk.count(.grantLost) == 0)
    }

    func refresh(_ rig: Rig, _ connection: Int) throws -> Errand {
        let errand = try rig.call { try await $0.refresh(Disk.id(connection)) }
        try rig.settle()
        return errand
    }

    @Test("A series of failures is told once, and so is its end")
    func delayed() throws {
        let rig = try Rig(.populated(1))
        let heard = try rig.listen()
        try rig.start()
        var failures = 0
        try answerAll(rig, milliseconds: 60_000) { held in
            failures += 1
            if failures <= 4 { return try Rig.reply(500, "") }
            return try Rig.tokens(0, held.serial + 1)
        }
        #expect(rig.network.all.count == 5)
        #expect(heard.events.map(\.kind) == [.refreshDelayed, .recovered])
        #expect(heard.events.map(\.number) == [500, 0])
        #expect(rig.disk.count(.refreshDelayed) == 1)
        #expect(rig.disk.count(.recovered) == 1)
        // What works as it did before is no news.
        try answerAll(rig, milliseconds: 4 * 3_600_000) { try Rig.tokens(0, $0.serial + 1) }
        #expect(rig.network.all.count > 8)
        #expect(heard.events.count == 2)
    }

    @Test("A lost grant is told once; nothing is asked of it any more, in no process")
    func lost() throws {
        let first = try Rig(.populated(2))
        let heard = try first.listen()
        try first.start()
        try answerAll(first, milliseconds: 3 * 86_400_000) { held in
            if held.connection == 0 { return try Rig.refusal(400, "invalid_grant") }
            return try Rig.tokens(1, held.serial + 1)
        }
        func asked(_ rig: Rig) -> Int { rig.network.all.count { $0.connection == 0 } }
        #expect(asked(first) == 1)
        #expect(heard.events.map(\.kind) == [.grantLost])
        #expect(first.disk.count(.grantLost) == 1)
        #expect(try first.vault.status(Disk.id(0))?.nextStep == .reconnect)
        for call in [
            { try await $0.refresh(Disk.id(0)) }, { try await $0.reportRejected(Disk.id(0)) },
            { try await $0.withAccessToken(Disk.id(0)) { _ in } },
        ] as [@Sendable (Vault) async throws -> Void] {
            let errand = try first.call(call)
            try first.flush()
            #expect(errand.isDone && errand.code == .grantLost)
        }
        #expect(asked(first) == 1)
        let second = try Rig(first.disk, moment: first.clock.now)
        try second.start()
        try answerAll(second, milliseconds: 86_400_000) { held in
            try Rig.tokens(held.connection, held.serial + 1)
        }
        #expect(asked(second) == 0)
        #expect(second.network.all.count > 20)
        #expect(second.disk.count(.grantLost) == 1)
    }
}
