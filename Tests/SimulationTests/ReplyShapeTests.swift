// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Answers whose shape is the provider's own, from the refresh to the record.
@Suite("Replies of another shape") struct ReplyShapeTests {
    /// A connection that is due, its request out.
    private func rig(_ change: (inout Provider) -> Void = { _ in }) throws -> Rig {
        let disk = try Disk.populated(1)
        try disk.changeProvider(change)
        return try Rig.started(disk)
    }

    private func answer(_ rig: Rig, _ status: Int, _ body: String, isForm: Bool = false) throws {
        let body: Secret? = try Secret(text: body)
        try rig.answer(0, TransportReply(status: status, body: body, isForm: isForm))
        try rig.flush()
    }

    private static func nest(_ provider: inout Provider) {
        provider.replyMembers.accessToken = "data.0.token"
        provider.replyMembers.refreshToken = "data.0.again"
        provider.replyMembers.expiresIn = "data.0.life"
        provider.lifetimeUnit = .milliseconds
    }

    @Test(
        "tokens are found where they lie",
        arguments: [
            (#"{"data":[{"token":"a0.2","again":"r0.2","life":7200000}]}"#, false),
            (#"{"data":[{"token":"a0.2","again":"r0.2","life":7200000}]}"#, true),
        ])
    func found(_ body: String, _ isForm: Bool) throws {
        let rig = try rig(Self.nest)
        let sent = rig.clock.now
        try answer(rig, 200, body, isForm: isForm)
        #expect(rig.disk.serial(0) == 2 && rig.isIdle)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(
            status.accessTokenExpiry == UnixTime(milliseconds: sent).adding(milliseconds: 7_200_000)
        )
    }

    @Test("a form is read as what it says")
    func form() throws {
        let rig = try rig()
        let body = "access_token=a0.2&refresh_token=r0%2E2&expires_in=7200&token_type=bearer"
        try answer(rig, 200, body, isForm: true)
        #expect(rig.disk.serial(0) == 2 && rig.isIdle)
        #expect(try rig.vault.status(Disk.id(0))?.nextRefresh != nil)
    }

    @Test(
        "what could not be used is used once the definition says how",
        arguments: [
            // No path, then one.
            (
                #"{"data":[{"access_token":"a0.2","refresh_token":"r0.2"}]}"#,
                Change { _ in },
                Change {
                    $0.replyMembers.accessToken = "data.0.access_token"
                    $0.replyMembers.refreshToken = "data.0.refresh_token"
                }
            ),
            // Tokens under names of the provider's own, of a type that is taken later.
            (
                #"{"data":[{"token":"a0.2","again":"r0.2"}],"token_type":"mac"}"#,
                Change(Self.nest), Change { $0.bearerTokenTypes = ["mac"] }
            ),
            // A form that was not sent as one.
            ("access_token=a0.2&refresh_token=r0.2", Change { _ in }, Change { _ in }),
        ])
    func usedLater(_ body: String, _ before: Change, _ after: Change) throws {
        let rig = try rig(before.make)
        try answer(rig, 200, body)
        let held = try #require(try rig.vault.status(Disk.id(0)))
        #expect(held.reason == .replyUnread && held.nextStep == .retry)
        #expect(rig.disk.serial(0) == 1 && rig.record(0).contains("r0.2"))
        try rig.disk.changeProvider(after.make)
        let retry = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        #expect(retry.isDone && retry.code == nil)
        #expect(rig.network.all.count == 1 && rig.disk.serial(0) == 2)
        #expect(!rig.record(0).contains("data") && rig.record(0).contains("a0.2"))
    }

    @Test("tokens under names of its own are used later, also where there was room for no more")
    func usedLaterOfLittleRoom() throws {
        let long = String(repeating: "s", count: 16_000)
        let disk = try Disk.populated(1)
        try disk.changeProvider(Self.nest)
        try disk.changeRecord(0) { record in
            try record.fields.set(ConnectionTag.grantedScope, text: long)
            try record.fields.set(ConnectionTag.requestedScope, text: long)
        }
        let rig = try Rig.started(disk)
        let token = String(repeating: "t", count: 10_000)
        let grant = #"{"token":"\#(token)","again":"r0.2"}"#
        try answer(rig, 200, #"{"data":[\#(grant)],"scope":"\#(long)","token_type":"mac"}"#)
        #expect(rig.record(0).contains(token) && !rig.record(0).contains("data"))
        #expect(rig.disk.serial(0) == 1)
        let retry = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        // Nothing says any more that it was of another type.
        #expect(retry.isDone && retry.code == nil)
        #expect(rig.network.all.count == 1 && rig.disk.serial(0) == 2)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let make: @Sendable (inout Provider) -> Void
        var testDescription: String { "a definition" }

        init(_ make: @escaping @Sendable (inout Provider) -> Void) { self.make = make }
    }

    @Test(
        "an answer that passes: the same token again, and nobody is blamed",
        arguments: [
            (400, #"{"error":"Access Denied"}"#), (200, #"{"code":40100}"#),
            (401, #"{"error":"invalid_grant"}"#), (403, "<p>Slow down</p>"),
        ])
    func passes(_ status: Int, _ body: String) throws {
        let rig = try rig {
            $0.successCode = .init(member: "code", values: ["0"])
            $0.temporaryErrors = [
                .init(status: 400, error: "Access Denied"), .init(error: "40100"),
                .init(status: 401, error: "invalid_grant"), .init(status: 403, error: nil),
            ]
        }
        try answer(rig, status, body)
        let found = try #require(try rig.vault.status(Disk.id(0)))
        #expect(found.reason == .refreshDelayed && found.light != .red)
        #expect(rig.disk.count(.grantLost) == 0 && rig.disk.count(.refreshRefused) == 0)
        #expect(rig.disk.count(.applicationRejected) == 0)
        #expect(try rig.untilNext(0) <= 60_000)
        #expect(rig.network.open.map(\.serial) == [1])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2)
    }

    @Test("a code in the envelope ends a grant as an error does")
    func codeOfALostGrant() throws {
        let rig = try rig {
            $0.successCode = .init(member: "code", values: ["0"])
            $0.grantLostErrors = ["40105"]
        }
        try answer(rig, 200, #"{"code":40105,"message":"x"}"#)
        #expect(rig.disk.count(.grantLost) == 1)
        #expect(try rig.vault.status(Disk.id(0))?.light == .red)
    }
}
