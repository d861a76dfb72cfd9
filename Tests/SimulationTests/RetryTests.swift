// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Connections that wait for an operator or for another definition, and get it.
@Suite("Retries") struct RetryTests {
    typealias Verb = @Sendable (Vault) async throws -> Void
    static let verbs: [Verb] = [
        { try await $0.retry(Disk.id(ScanTests.behind)) },
        { vault in
            let outcome = try await vault.retry(application: ApplicationID("app"))
            let id = try Disk.id(ScanTests.behind)
            #expect(outcome.recovered == [id] && outcome.failed.isEmpty)
        },
    ]

    /// A disk with five connections, of which one was answered so.
    func disk(answered status: Int, _ body: String) throws -> Disk {
        let disk = try Disk.populated(ScanTests.connectionCount, expiringIn: 7_200_000)
        let rig = try Rig(disk)
        _ = try rig.call { try await $0.refresh(Disk.id(ScanTests.behind)) }
        try rig.flush()
        try rig.answer(ScanTests.behind, Rig.reply(status, body))
        try rig.flush()
        rig.close()
        return disk
    }

    @Test(
        "Right after the open they wait for the scan, and what it finds does not undo them",
        arguments: [0, 1], [(200, UnreadTests.unread), (400, #"{"error":"invalid_request"}"#)])
    func waitForTheScan(_ verb: Int, _ answer: (status: Int, body: String)) throws {
        let disk = try disk(answered: answer.status, answer.body)
        var retry: Errand?
        let rig = try ScanTests().rig(disk) { rig in
            retry = try rig.call(Self.verbs[verb])
            try rig.flush()
            #expect(retry?.isDone == false)
        }
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [ScanTests.behind])
        #expect(rig.network.open.map(\.serial) == [1])
        try rig.answerWithTokens(ScanTests.behind)
        try rig.flush()
        #expect(retry?.isDone == true && retry?.code == nil)
    }

    @Test("A definition by which nobody has to wait takes effect at once", arguments: [0, 1])
    func anotherRotation(_ which: Int) throws {
        let rig = try UnreadTests().rig(connections: 2)
        try UnreadTests().answer(rig, UnreadTests.unread)
        try rig.answerWithTokens(1)
        try rig.flush()
        try UnreadTests().expectHeld(rig)
        let put = try rig.putApplication(secret: 1) {
            if which == 0 { $0.provider.rotation = .never }
            if which == 1 { $0.provider.reuseGraceSeconds = 30 }
        }
        #expect(put.isDone && put.code == nil)
        #expect(try rig.untilNext(0) < 60_000)
        #expect(rig.network.open.map(\.serial) == [1])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2 && rig.isIdle)
    }

    @Test("One that changes nothing about it leaves it held")
    func anotherSecret() throws {
        let rig = try UnreadTests().rig()
        try UnreadTests().answer(rig, UnreadTests.unread)
        let put = try rig.putApplication(secret: 2)
        #expect(put.isDone && put.code == nil)
        try UnreadTests().pass(rig, hours: 1)
        try UnreadTests().expectHeld(rig)
        #expect(rig.network.all.count == 1)
    }
}
