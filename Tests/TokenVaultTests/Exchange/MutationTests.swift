// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Valid replies, changed at random from a fixed seed: nothing traps, and what is still accepted
/// keeps every promise a token reply makes. Tests/Fuzz does the same with coverage to guide it.
@Suite struct MutationTests {
    static let replies = [
        #"{"access_token":"ya29.a0AfH6SMBx-_~","expires_in":3599,"refresh_token":"1\/\/0g\u0041b","#
            + #""scope":"email profile","token_type":"Bearer"}"#,
        #"{"error":"invalid_grant","error_description":"Token has been \"expired\" or revoked."}"#,
        #"{ "token_type" : "bearer", "access_token" : "a.eyJleHAiOjE3OTM0OTg0MDB9.c", "#
            + #""expires_at" : "1793498400123", "x_refresh_token_expires_in" : 8.7264e6, "#
            + #""data" : { "list" : [ 1, -2.5e-3, true, false, null, "ü😀\ud83d\ude00" ], "#
            + #""o" : {} } }"#,
    ]

    /// Pieces that a mutation splices in: what parsers get wrong.
    static let pieces = [
        "\"", "\\", "\\u", "\\ud800", "\\udc00", "{", "}", "[", "]", ",", ":", "\0", "\r\n",
        "1e999", "-", "NaN", "9223372036854775808", "\u{FEFF}", "null", "\"access_token\":\"b\",",
        "\"error\":\"x\",", "\"expires_in\":-1,", "😀", "[[[[[[[[[[[[[[[[[",
    ].map { Array($0.utf8) }

    @Test func nothingTrapsAndWhatIsAcceptedIsSane() {
        var random = SeededGenerator(state: 0x70_6B_65_6E)
        var acceptedCount = 0
        for round in 0..<20_000 {
            var body = Array(Self.replies[round % Self.replies.count].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                Self.mutate(&body, using: &random)
            }
            if isSane(body, round) { acceptedCount += 1 }
        }
        // Both outcomes must occur often, or the sweep proves nothing.
        #expect((1_000..<19_000).contains(acceptedCount), "\(acceptedCount) accepted")
    }

    static func mutate(_ body: inout [UInt8], using random: inout SeededGenerator) {
        let place = body.isEmpty ? 0 : Int.random(in: 0..<body.count, using: &random)
        switch UInt8.random(in: 0..<6, using: &random) {
        case 0 where !body.isEmpty: body[place] = UInt8.random(in: 0...255, using: &random)
        case 1 where !body.isEmpty: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2 where !body.isEmpty: body.remove(at: place)
        case 3: body.removeLast(min(body.count, Int.random(in: 0..<16, using: &random)))
        case 4:
            let piece = Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)]
            body.insert(contentsOf: piece, at: place)
        default:
            let end = Int.random(in: place...min(body.count, place + 40), using: &random)
            body.insert(contentsOf: Array(body[place..<end]), at: place)
        }
    }

    /// True where the body was accepted. Fails where something impossible was accepted.
    private func isSane(_ body: [UInt8], _ round: Int) -> Bool {
        do throws(VaultError) {
            let members = try body.lend { (span) throws(VaultError) in
                try TokenReply.Members(span)
            }
            try check(members, body)
            return true
        } catch {
            #expect(error.code == .providerAnswerUnreadable, "round \(round)")
            return false
        }
    }

    private func check(_ members: TokenReply.Members, _ body: [UInt8]) throws(VaultError) {
        if let seconds = members.expiresIn?.seconds {
            #expect((1...TokenReply.lifetimeSecondsMax).contains(seconds))
        }
        guard members.isTokenResponse(.bearer) else { return }
        let secret = try body.lend { (span) throws(VaultError) in try Secret(copying: span) }
        let reply = TokenReply(secret, members)
        let start = UnixTime(seconds: 1_793_490_000)
        let tokens = try reply.tokens(
            requestedAt: start, providerLifetimeSeconds: nil, applicationLifetimeSeconds: 60)
        let text = tokens.accessToken.bytes.publicText ?? ""
        #expect(!text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        let expiry = tokens.accessTokenExpiry ?? start
        let latest = start.adding(milliseconds: TokenReply.lifetimeSecondsMax * 1000)
        #expect(expiry > start && expiry <= latest)
    }
}

/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
