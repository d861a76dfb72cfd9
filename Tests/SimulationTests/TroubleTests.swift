// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Why a connection was not refreshed outlives the process that heard it.
@Suite("Trouble of an earlier process") struct TroubleTests {
    let disk: Disk

    init() throws { disk = try Disk.populated(2, expiringIn: 3_600_000) }

    /// One process that asks for a refresh of number 0, is answered so, and ends.
    func process(
        answering reply: consuming TransportReply, moment: Int64 = VirtualClock.start
    ) throws {
        let rig = try Rig(disk, moment: moment)
        let errand = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try rig.answer(0, reply)
        try rig.flush()
        #expect(errand.isDone && errand.code != nil)
        rig.close()
    }

    func status(_ rig: Rig, _ connection: Int = 0) throws -> ConnectionStatus {
        try #require(try rig.vault.status(Disk.id(connection)))
    }

    @Test("A provider that was down is the reason until a refresh succeeds")
    func delayed() throws {
        try process(answering: TransportReply(status: 503, body: nil))
        let rig = try Rig(disk)
        #expect(try status(rig).reason == .refreshDelayed)
        #expect(try status(rig).reasonNumber == 503)
        #expect(try status(rig).light == .yellow && status(rig).nextStep == .wait)
        #expect(try status(rig, 1).reason == nil)
        // What was written for other reasons leaves it there.
        let use = try rig.call { try await $0.reportUse(Disk.id(0)) }
        try rig.flush()
        #expect(use.isDone && use.code == nil)
        #expect(try status(rig).reasonNumber == 503 && status(rig).light == .green)
        let errand = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(errand.isDone && errand.code == nil)
        #expect(try status(rig).reason == nil && status(rig).nextStep == .none)
    }

    @Test("A rejected application is red, in the connection's log, and left alone for a minute")
    func rejected() throws {
        try process(answering: Rig.refusal(401, "invalid_client"))
        #expect(disk.count(.applicationRejected) == 2 && disk.alarms == 1)
        let rig = try Rig(disk)
        #expect(try status(rig).light == .red)
        #expect(try status(rig).reason == .applicationRejected)
        #expect(try status(rig).reasonNumber == 401)
        #expect(try status(rig).nextStep == .correctApplication)
        let early = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(early.isDone && early.code == .applicationMisconfigured)
        #expect(rig.network.all.isEmpty)
        try rig.advance(milliseconds: ApplicationQueue.probeMilliseconds)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == 1)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(try status(rig).reason == nil)
    }

    @Test("What the provider said of a connection stands in what the next caller is told")
    func toldAgain() throws {
        try process(answering: Rig.refusal(401, "invalid_client"))
        let rig = try Rig(disk)
        let errands = try (0..<2).map { number in
            try rig.call { try await $0.refresh(Disk.id(number)) }
        }
        try rig.flush()
        #expect(errands.map(\.error?.number) == [401, 0])
        #expect(errands.map(\.error?.detail.cause) == [.rejectedBefore, .rejectedBefore])
        let removal = try rig.call { try await $0.removeApplication(ApplicationID("app")) }
        try rig.flush()
        #expect(removal.isDone)
        for _ in 0..<2 {
            let errand = try rig.call { try await $0.refresh(Disk.id(0)) }
            try rig.flush()
            #expect(errand.code == .applicationNotFound)
        }
    }

    @Test("An operator's retry asks those that were told so, at once", arguments: [true, false])
    func retried(succeeds: Bool) throws {
        try process(answering: Rig.refusal(401, "invalid_client"))
        do {
            let rig = try Rig(disk)
            let outcome = Monitor<Vault.RetryOutcome?>(nil)
            let retry = try rig.call { vault in
                let found = try await vault.retry(application: ApplicationID("app"))
                outcome.withLock { $0 = found }
            }
            try rig.flush()
            #expect(rig.network.open.map(\.connection) == [0])
            try rig.answer(
                0, succeeds ? Rig.tokens(0, 2) : Rig.refusal(401, "invalid_client"))
            try rig.flush()
            #expect(retry.isDone && retry.code == nil)
            let found = try #require(outcome.withLock { $0 })
            #expect(try found.recovered == (succeeds ? [Disk.id(0)] : []))
            #expect(found.failed.map(\.error.number) == (succeeds ? [] : [401]))
            rig.close()
        }
        // Both logs say that it is over: the connection's, and the application's.
        #expect(disk.count(.recovered) == (succeeds ? 2 : 0))
        let rig = try Rig(disk)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == (succeeds ? 1 : 0))
    }

    @Test("The end of what an earlier process met is logged, be it the application's, once")
    func recovered() throws {
        try process(answering: TransportReply(status: 503, body: nil))
        try process(answering: Rig.refusal(401, "invalid_client"))
        do {
            let rig = try Rig(disk)
            _ = try rig.putApplication(secret: 2)
            try rig.flush()
            rig.close()
        }
        #expect(disk.count(.recovered) == 0)
        for _ in 0..<2 {
            let rig = try Rig(disk)
            _ = try rig.call { try await $0.refresh(Disk.id(0)) }
            try rig.flush()
            // After the change whoever was served last is asked first.
            try rig.answerAll(milliseconds: 0) { try Rig.tokens($0.connection, $0.serial + 1) }
            rig.close()
            #expect(disk.count(.recovered) == 2)
        }
    }

    @Test("The application's log says that it is taken again where a flow was what failed")
    func recoveredByConnect() throws {
        for succeeds in [false, true] {
            let rig = try Rig(disk)
            let connect = try rig.call { vault in
                let request = try await vault.connect(
                    ConnectionID("new"), application: ApplicationID("app"))
                let query = try Secret(text: "code=k0.0&state=\(request.state)")
                try await vault.complete(callbackQuery: query)
            }
            try rig.flush()
            try #require(rig.network.open.first).request.answer(
                succeeds ? Rig.tokens(7, 1) : Rig.refusal(401, "invalid_client"))
            try rig.flush()
            #expect(connect.isDone && (connect.code == nil) == succeeds)
            #expect(disk.alarms == 1 && disk.count(.recovered) == (succeeds ? 1 : 0))
            rig.close()
        }
    }

    @Test("What was said of other credentials is no reason any more")
    func corrected() throws {
        try process(answering: Rig.refusal(401, "invalid_client"))
        do {
            let rig = try Rig(disk)
            _ = try rig.putApplication(secret: 2)
            try rig.flush()
            #expect(try status(rig).reason == nil)
            rig.close()
        }
        let rig = try Rig(disk)
        #expect(try status(rig).reason == nil)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }

    @Test("Where another connection was served since, the application is not rejected any more")
    func servedSince() throws {
        try process(answering: Rig.refusal(401, "invalid_client"))
        do {
            let rig = try Rig(disk)
            try rig.advance(
                milliseconds: Suspicion.riskMilliseconds + ApplicationQueue.probeMilliseconds)
            _ = try rig.call { try await $0.refresh(Disk.id(1)) }
            try rig.flush()
            try rig.answerWithTokens(1)
            try rig.flush()
            #expect(try status(rig).reason == nil && status(rig).light == .yellow)
            rig.close()
        }
        let rig = try Rig(disk)
        #expect(try status(rig).reason == nil && status(rig).light == .yellow)
    }

    @Test("By a clock that was ahead nobody knows when it was: the application is asked")
    func rejectedInTheFuture() throws {
        let ahead = VirtualClock.start + 3653 * 24 * 3_600_000
        try process(answering: Rig.refusal(401, "invalid_client"), moment: ahead)
        let rig = try Rig(disk)
        #expect(try status(rig).reason == .applicationRejected)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }
}
