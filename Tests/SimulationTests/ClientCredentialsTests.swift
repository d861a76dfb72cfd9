// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Connections whose tokens the client asks for by itself, through lost answers and restarts.
@Suite("Without a refresh token") struct ClientCredentialsTests {
    /// A disk with one that is due in an hour, of an application that has others.
    private func disk() throws -> Disk {
        let disk = try Disk.populated(2, expiringIn: 3_600_000)
        try disk.changeRecord(0) { record in
            try record.forgetRefreshToken()
            try record.set(.clientCredentials as GrantType)
        }
        return disk
    }

    private func refresh(_ rig: Rig) throws -> Errand {
        let errand = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        return errand
    }

    private func answer(_ rig: Rig, _ token: String) throws {
        let held = try #require(rig.network.open.last)
        try held.request.answer(
            Rig.reply(
                200, #"{"access_token":"\#(token)","token_type":"Bearer","expires_in":3600}"#))
        try rig.flush()
    }

    @Test(
        "A restart asks when it is due, whatever became of the answer before",
        arguments: [true, false])
    func restart(_ isCrash: Bool) throws {
        let disk = try disk()
        do {
            let rig = try Rig(disk)
            _ = try refresh(rig)
            #expect(rig.network.open.count == 1)
            #expect(try !#require(rig.network.open.first).request.isListenedTo)
            if isCrash { rig.store.die() }
        }
        let next = try Rig(disk)
        try next.start()
        try next.flush()
        // Nothing is told, nothing hurries, nothing is held back.
        #expect(disk.count(.attemptInDoubt) == 0 && disk.doubts.isEmpty)
        #expect(next.network.open.isEmpty)
        let caller = try refresh(next)
        #expect(next.network.open.count == 1)
        try answer(next, "a0.2")
        #expect(caller.isDone && caller.code == nil)
        #expect(next.record(0).contains("a0.2"))
        let due = try next.untilNext(-1)
        #expect((2_900_000...3_300_000).contains(due))
    }

    @Test("There is no grant that invalid_grant could mean: the next answer is taken")
    func invalidGrant() throws {
        let rig = try Rig(disk())
        let caller = try refresh(rig)
        try #require(rig.network.open.last).request.answer(
            Rig.reply(400, #"{"error":"invalid_grant"}"#))
        try rig.flush()
        #expect(caller.isDone && caller.code == .providerRefused)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.reason == .refreshRefused && status.light == .yellow)
        #expect(status.reasonDetail.subjectName == "client credentials")
        #expect(rig.disk.count(.grantLost) == 0)
        let retry = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        try answer(rig, "a0.2")
        #expect(retry.isDone && retry.code == nil)
        #expect(try rig.vault.status(Disk.id(0))?.reason == nil)
    }

    @Test("What is refused of one grant says nothing of the other")
    func apart() throws {
        let disk = try Disk.populated(3, expiringIn: 3_600_000)
        for connection in [0, 2] {
            try disk.changeRecord(connection) { record in
                try record.forgetRefreshToken()
                try record.set(.clientCredentials as GrantType)
            }
        }
        let rig = try Rig(disk)
        for connection in [0, 2] {
            let caller = try rig.call { try await $0.refresh(Disk.id(connection)) }
            try rig.flush()
            try #require(rig.network.open.last).request.answer(
                Rig.reply(400, #"{"error":"unauthorized_client"}"#))
            try rig.flush()
            #expect(caller.isDone && caller.code != nil)
        }
        // The application may not ask by itself; its users' tokens are refreshed all the same.
        #expect(try rig.vault.status(Disk.id(0))?.reason == .applicationRejected)
        let other = try rig.call { try await $0.refresh(Disk.id(1)) }
        try rig.flush()
        try rig.answerWithTokens(1)
        try rig.flush()
        #expect(other.isDone && other.code == nil)
        #expect(try rig.vault.status(Disk.id(1))?.reason == nil)
    }
}
