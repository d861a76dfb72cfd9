// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Bodies as they arrive, and what is left of those that are longer than a block.
@Suite(.serialized) struct ReplyBodyTests {
    static let long = String(repeating: "j", count: 70_000)

    @Test("what fits into a block stays as it came", arguments: [0, 1, 2048, 2049, 8192, 65_536])
    func untouched(_ count: Int) throws {
        let text = #"{"id_token":""# + String(repeating: "x", count: count)
        let body = String(text.suffix(count))
        for size in [1000, 4096, 70_000] {
            #expect(try arrive(body, inPiecesOf: size) == Arrived(body))
        }
    }

    @Test(
        "of a longer one ours are left, wherever they are and however it is cut",
        arguments: [
            (
                #"{"access_token":"a","id_token":"LONG","expires_in":3600}"#,
                #"{"access_token":"a","expires_in":3600}"#
            ),
            (
                #"{"id_token":"LONG","access_token":"a\\\"","scope":"s"}"#,
                #"{"access_token":"a\\\"","scope":"s"}"#
            ),
            (
                #"{"access_token":"a","scope":"s","id_token":"LONG"}"#,
                #"{"access_token":"a","scope":"s"}"#
            ),
            (
                "\u{FEFF} { \"x\" : [ {\"LONG\":1} ,\"]\"] , \"refresh_token\" : \"r\" } trailing",
                #"{"refresh_token" : "r"}"#
            ),
            (
                #"{"LONG":1,"LONG" : {"access_token":"x"},"access_token":"a"}"#,
                #"{"access_token":"a"}"#
            ),
            (#"{"x":LONG,"y":null,"error":{"code":1,"x":"}"}}"#, #"{"error":{"code":1,"x":"}"}}"#),
            (
                #"{"access_token":"a","x":"LONG","access_token":"b"}"#,
                #"{"access_token":"a","access_token":"b"}"#
            ),
            (#"{"access\u005ftoken":"a","x":"LONG\""}"#, #"{"access\u005ftoken":"a"}"#),
            (#"{"x":"LONG"}"#, "{}"),
            (#"{"access_token":"a"}LONG"#, #"{"access_token":"a"}"#),
        ])
    func reduced(_ pattern: String, _ left: String) throws {
        let body = pattern.replacing("LONG", with: Self.long)
        for size in [1, 7, 1000, 4096, 16_384, 200_000] {
            let arrived = try arrive(body, inPiecesOf: size)
            #expect(arrived == Arrived(left), "pieces of \(size)")
        }
    }

    @Test("hundreds of members and hundreds of levels, up to 256 KiB")
    func manyMembers() throws {
        let members = (0..<9000).map { #""member_\#($0)":\#($0)"# }.joined(separator: ",")
        let levels = String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)
        let body = #"{\#(members),"access_token":"a","x":\#(levels),"refresh_token":"r"}"#
        #expect(body.utf8.count > 200_000 && body.utf8.count < ReplyBody.byteCountMax)
        let left = #"{"access_token":"a","refresh_token":"r"}"#
        for size in [100, 4096] {
            #expect(try arrive(body, inPiecesOf: size) == Arrived(left))
        }
        let longest = body + String(repeating: " ", count: ReplyBody.byteCountMax - body.utf8.count)
        #expect(try arrive(longest, inPiecesOf: 4096) == Arrived(left))
        #expect(try arrive(longest + " ", inPiecesOf: 4096).intake == .enough)
    }

    @Test("tokens as long as they may be stay whole beside it")
    func longTokens() throws {
        let token = String(repeating: "t", count: TokenSet.tokenBytesMax)
        let left = #"{"access_token":"\#(token)","refresh_token":"\#(token)"}"#
        let body = String(left.dropLast()) + #","id_token":"\#(Self.long)"}"#
        for size in [100, 4096, 200_000] {
            #expect(try arrive(body, inPiecesOf: size) == Arrived(left))
        }
    }

    @Test(
        "longer than a block: ours, a page, half an object, what is none after all",
        arguments: [
            ("<p>LONG</p>", true), (#"{"access_token":"LONG"#, false),
            (#"{"access_token":"LONG","LONG"#, false),
            ("access_token=a&id_token=LONG", true), (#"["LONG"]"#, true),
            (#"{"x":"LONG"#, false), (#"{"x":"LONG",}"#, false), (#"{"x":"LONG" "y":1}"#, false),
            (#"{"x":"LONG","access_token"}"#, false), (#"{"x":"LONG","y":[}"#, false),
        ])
    func noUse(_ pattern: String, _ isEnough: Bool) throws {
        let body = pattern.replacing("LONG", with: Self.long)
        for size in [100, 4096, 200_000] {
            let arrived = try arrive(body, inPiecesOf: size)
            #expect((arrived.intake == .enough) == isEnough)
            #expect(!arrived.isWhole)
        }
    }

    /// Longer than a token may be, and nearly as long.
    static let (long60, long16) = (
        String(repeating: "t", count: 60_000), String(repeating: "u", count: 16_000)
    )

    @Test(
        "of one of ours that there is no room for the name is left, and the others are whole",
        arguments: [
            (
                #"{"access_token":"LONG","refresh_token":"r"}"#,
                #"{"access_token":[0],"refresh_token":"r"}"#, "unread"
            ),
            (
                #"{"x":1,"access_token":"a","refresh_token":"LONG\"","scope":"s"}"#,
                #"{"access_token":"a","refresh_token":[0],"scope":"s"}"#, "unread"
            ),
            (
                #"{"access_token":"a","scope" : "LONG","refresh_token":"r"}"#,
                #"{"access_token":"a","scope":[0],"refresh_token":"r"}"#, "tokens"
            ),
            (
                #"{"access_token":"a","status":{"x":["LONG"]},"error":{"x":"LONG"}}"#,
                #"{"access_token":"a","status":[0],"error":[0]}"#, "unread"
            ),
            (
                #"{"access_token":"SIXTY","y":"LONG","refresh_token":"TOKEN"}"#,
                #"{"access_token":[0],"refresh_token":"TOKEN"}"#, "unread"
            ),
            (#"{"access_token":"LONG"}"#, #"{"access_token":[0]}"#, "unread"),
            (#"{"access\u005ftoken":LONG}"#, #"{"access\u005ftoken":[0]}"#, "unread"),
        ])
    func overlong(_ pattern: String, _ left: String, _ verdict: String) throws {
        func filled(_ text: String) -> String {
            text.replacing("LONG", with: Self.long).replacing("SIXTY", with: Self.long60)
                .replacing("TOKEN", with: Self.long16)
        }
        for size in [1000, 4096, 200_000] {
            let arrived = try arrive(filled(pattern), inPiecesOf: size)
            #expect(arrived == Arrived(filled(left)), "pieces of \(size)")
        }
        let body = try filled(left).secret()
        switch Verdict(TransportReply(status: 200, body: body)) {
        case .tokens: #expect(verdict == "tokens")
        case .unread: #expect(verdict == "unread")
        default: Issue.record("it is lost")
        }
    }

    /// The same bodies that the scanner is mutated with, reduced from the first piece on or from
    /// any later one: what is left says the same as the whole.
    @Test func leftSaysWhatTheWholeSays() throws {
        var random = SeededGenerator(state: 0x72_65_64_75)
        var readCount = 0
        for round in 0..<6000 {
            var body = Array(MutationTests.replies[round % MutationTests.replies.count].utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                MutationTests.mutate(&body, using: &random)
            }
            let cuts = [0, 1, 2, 3].map { _ in Int.random(in: 0...body.count, using: &random) }
            let left = try reduce(body, cuts.sorted())
            let (whole, part) = (says(body), says(left))
            #expect(whole == part, "round \(round): \(String(decoding: body, as: UTF8.self))")
            if whole != nil { readCount += 1 }
        }
        #expect(readCount > 500)
    }

    @Test("where no block is free a piece is kept until one is, and none of it counts twice")
    func waitsForABlock() throws {
        let token = String(repeating: "t", count: 3000)
        let text = #"{"x":"\#(Self.long)","access_token":"\#(token)","y":1}"#
        let left = #"{"access_token":"\#(token)"}"#
        var body = ReplyBody(in: try block())
        var hoard = BlockHoard.take(allOf: [65_536, 8192])
        var waitCount = 0
        var offset = 0
        let bytes = Array(text.utf8)
        while offset < bytes.count {
            let end = min(offset + 4096, bytes.count)
            switch Array(bytes[offset..<end]).lend({ body.take($0) }) {
            case .taken: offset = end
            case .later:
                waitCount += 1
                withExtendedLifetime(hoard) {}
                hoard = nil
            case .enough: offset = bytes.count
            }
        }
        let arrived = body.take()?.exposed
        #expect(waitCount == 1)
        #expect(arrived == left)
    }

    @Test("what was passed over is in no block that was given back")
    func blocksAreZero() throws {
        for _ in 0..<3 {
            _ = try arrive(
                #"{"x":"\#(Self.long)","access_token":"a","y":"\#(Self.long)"}"#, inPiecesOf: 4096)
        }
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    // MARK: -

    private struct Arrived: Equatable {
        var text = ""
        var intake = ReplyBody.Intake.taken
        var isWhole = false

        init(_ text: String, _ intake: ReplyBody.Intake = .taken) {
            (self.text, self.intake) = (text, intake)
            isWhole = text.lend { JSONScanner.isWholeObject($0) }
        }
    }

    private func block() throws -> Secret {
        guard let block = Secret(roomFor: CurlTransfer.replyBytes) else {
            throw VaultError(.tooManySecrets, .atoms)
        }
        return block
    }

    private func arrive(_ text: String, inPiecesOf size: Int) throws -> Arrived {
        var body = ReplyBody(in: try block())
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            let intake = piece.lend { body.take($0) }
            if intake != .taken { return Arrived("", intake) }
        }
        let isWhole = body.isWholeObject()
        var arrived = Arrived(body.take()?.exposed ?? "")
        #expect(arrived.isWhole == isWhole)
        arrived.isWhole = isWhole
        return arrived
    }

    /// Reduces from the second of the cuts on.
    private func reduce(_ bytes: [UInt8], _ cuts: [Int]) throws -> [UInt8] {
        var body = ReplyBody(in: try block())
        var start = 0
        for (index, end) in (cuts + [bytes.count]).enumerated() {
            if index == 1 { body.begin() }
            let intake = Array(bytes[start..<end]).lend { body.take($0) }
            #expect(intake == .taken)
            if index > 0 { body.settle() }
            start = end
        }
        return (body.take()?.exposed ?? "").unicodeScalars.map { UInt8($0.value) }
    }

    /// What a body says, in words; nil where it cannot be read.
    private func says(_ body: [UInt8]) -> String? {
        do {
            return try body.lend { (span) throws(VaultError) in
                let members = try TokenReply.Members(span)
                let access = members.accessToken.map { body[$0.range] }
                let refresh = members.refreshToken.map { body[$0.range] }
                return "\(access ?? []) \(refresh ?? []) \(members.tokenType) "
                    + "\(members.scope ?? "") \(String(describing: members.error)) "
                    + "\(String(describing: members.expiresIn)) "
                    + "\(String(describing: members.expiresAt))"
            }
        } catch {
            return nil
        }
    }
}
