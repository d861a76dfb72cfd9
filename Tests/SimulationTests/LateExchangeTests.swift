// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// A code whose tokens come when nobody waits for them any more.
@Suite("Late answers to codes") struct LateExchangeTests {
    func rig(canRevoke: Bool = true) throws -> Rig {
        let disk = try Disk.populated(1, expiringIn: 3_600_000)
        try disk.changeProvider {
            if canRevoke { $0.revocationEndpoint = "https://provider.example/revoke" }
        }
        return try Rig(disk)
    }

    /// A flow whose code is out.
    func connect(_ rig: Rig) throws -> (errand: Errand, code: TransportRequest) {
        let errand = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "code=k0.0&state=\(request.state)")
            _ = try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        return (errand, try #require(rig.network.all.last).request)
    }

    @Test(
        "Whoever waits is let go at the deadline, and what comes later is revoked",
        arguments: [
            #"{"access_token":"a0.9","refresh_token":"r0.9","expires_in":3600}"#,
            #"{"access_token":"a0.9","refresh_token":"r0.9","token_type":"mac"}"#,
        ])
    func revoked(_ body: String) throws {
        let rig = try rig()
        let (errand, code) = try connect(rig)
        try #require(code.isListenedTo)
        #expect(code.listenMilliseconds <= 60_000)
        code.tellOverdue()
        try rig.flush()
        #expect(errand.isDone && errand.code == .deadlineExceeded)
        code.answer(try Rig.reply(200, body))
        try rig.flush()
        var revoked: [Int64] = []
        while let held = rig.network.open.first {
            #expect(held.request.url.hasSuffix("/revoke"))
            revoked.append(held.serial)
            held.request.answer(TransportReply(status: 200, body: nil))
            try rig.flush()
        }
        #expect(revoked.count == 2)
        #expect(rig.disk.count(.lateAnswer) == 1)
        #expect(rig.disk.serial(0) == 1)
    }

    @Test(
        "Tokens that come late show that the provider takes the application",
        arguments: [true, false])
    func proves(_ bringsTokens: Bool) throws {
        let rig = try rig()
        try #require(rig.putApplication(secret: 2).code == nil)
        let (_, code) = try connect(rig)
        code.tellOverdue()
        try rig.flush()
        try #require(isCareful(rig))
        let tokens = #"{"access_token":"a0.9","refresh_token":"r0.9","expires_in":3600}"#
        code.answer(
            try bringsTokens ? Rig.reply(200, tokens) : Rig.reply(400, #"{"error":"x"}"#))
        try rig.flush()
        #expect(isCareful(rig) != bringsTokens)
        #expect(rig.disk.count(.lateAnswer) == (bringsTokens ? 1 : 0))
    }

    private func isCareful(_ rig: Rig) -> Bool {
        rig.vault.refresher.shared.withLock { $0.upkeep.queues.contains { $0.isCareful } }
    }

    @Test("Where nothing can be revoked nobody listens")
    func noEndpoint() throws {
        let (_, code) = try connect(rig(canRevoke: false))
        #expect(!code.isListenedTo)
    }

    @Test("So many are listened for, and a place is free again with an answer")
    func bounded() throws {
        let rig = try rig()
        let codes = try (0..<40).map { _ in try connect(rig).code }
        let listened = codes.filter(\.isListenedTo)
        try #require(listened.count == 32)
        listened[0].answer(TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        #expect(try connect(rig).code.isListenedTo)
        #expect(try !connect(rig).code.isListenedTo)
    }

    @Test("A pause that is longer than any that is honoured is not told as it is asked for")
    func longPause() throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let errand = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "code=k0.0&state=\(request.state)")
            try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        try #require(rig.network.open.first).request.answer(
            TransportReply(status: 503, body: nil, retryAfterSeconds: 10_000_000))
        try rig.flush()
        let told = try #require(errand.error?.retryTime).milliseconds - rig.clock.now
        #expect(told == RefreshPolicy.retryAfterSecondsMax * 1000)
    }
}
