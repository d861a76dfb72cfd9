// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite struct TokenReplyTests {
    @Test func readsAFullReply() throws {
        let read = try Read(
            """
            {"access_token":"ya29.a0Af-_~+/=","expires_in":3599,"refresh_token":"1\\/\\/0g \\u0041",
            "scope":"email https:\\/\\/example.com\\/a","token_type":"Bearer","id_token":"x.y.z",
            "expires_at":1793498400,"refresh_token_expires_in":"604800","nested":{"error":"no"}}
            """)
        #expect(read.accessToken == "ya29.a0Af-_~+/=")
        #expect(read.refreshToken == "1//0g A")
        #expect(read.tokenType == .bearer)
        #expect(read.scope == "email https://example.com/a")
        #expect(read.expiresIn == .seconds(3599))
        #expect(read.expiresAt == UnixTime(seconds: 1_793_498_400))
        #expect(read.refreshTokenExpiresIn == [.seconds(604_800), nil, nil])
        #expect(read.error == nil)
    }

    @Test(arguments: [
        #"{}"#, #"{"access_token":null,"refresh_token":null,"token_type":null,"scope":null}"#,
        #"{"access_token":"","refresh_token":"","token_type":"","scope":"","error":""}"#,
        #"{"expires_in":null,"expires_at":null,"refresh_token_expires_in":null,"error":null}"#,
        #"{"token_type":1,"scope":["a","b"],"expires_in":true,"expires_at":{},"error":false}"#,
        #"{"access_token":false,"refresh_token":false}"#, #"{"scope":"\ud800","expires_in":NaN}"#,
        #"{"access_token":[],"refresh_token":{ },"error":0}"#, #"{"error":[],"access_token":{}}"#,
    ]) func emptyIsAbsent(_ body: String) throws {
        let read = try Read(body)
        #expect(read.accessToken == nil && read.refreshToken == nil && read.tokenType == .bearer)
        #expect(read.scope == nil && read.expiresIn == nil && read.expiresAt == nil)
        #expect(read.refreshTokenExpiresIn == [nil, nil, nil] && read.error == nil)
    }

    @Test(
        arguments: [
            ("3600", 3600), ("\"3600\"", 3600), ("3600.5", 3600), ("\"3600.5\"", 3600),
            ("3.6e3", 3600), ("1", 1), ("315360001", 315_360_000), ("999999999", 315_360_000),
            ("0", nil), ("0.5", nil), ("-1", nil), ("-1e999", nil), ("\"-1\"", nil),
            ("\"NaN\"", nil), ("\"\"", nil), ("\"1h\"", nil), ("\" 3600\"", nil),
            ("[3600]", nil), ("true", nil), ("\"36\\u00300\"", nil),
            // Neither a lifetime nor a moment.
            ("100000000000", nil), ("1e999", nil), ("9223372036854775807", nil),
            ("9223372036854775808", nil), ("1793498400123456", nil),
        ] as [(String, Int64?)]) func readsLifetimes(_ written: String, _ seconds: Int64?) throws
    {
        let stated = seconds.map { TokenReply.Stated.seconds($0) }
        for (index, name) in [
            "refresh_token_expires_in", "x_refresh_token_expires_in", "refresh_expires_in",
        ].enumerated() {
            let read = try Read("{\"\(name)\":\(written)}")
            #expect(read.refreshTokenExpiresIn[index] == stated)
            #expect(read.expiresIn == nil)
        }
        #expect(try Read("{\"expires_in\":\(written)}").expiresIn == stated)
        #expect(try Read("{\"expiresIn\":\(written)}").expiresInCamel == stated)
        #expect(try Read("{\"expires\":\(written)}").expires == stated)
    }

    @Test(arguments: [
        ("1793498400", 1_793_498_400_000), ("\"1793498400\"", 1_793_498_400_000),
        ("1793498400123", 1_793_498_400_123), ("1000000000", 1_000_000_000_000),
        ("2147483647", 2_147_483_647_000),
    ]) func aLifetimeMayBeAMoment(_ written: String, _ milliseconds: Int64) throws {
        let moment = TokenReply.Stated.moment(UnixTime(milliseconds: milliseconds))
        #expect(try Read("{\"expires_in\":\(written)}").expiresIn == moment)
        #expect(try Read("{\"expiresIn\":\(written)}").expiresInCamel == moment)
        #expect(try Read("{\"expires\":\(written)}").expires == moment)
        #expect(try Read("{\"refresh_expires_in\":\(written)}").refreshTokenExpiresIn[2] == moment)
    }

    @Test(
        arguments: [
            ("1793498400", 1_793_498_400_000), ("\"1793498400\"", 1_793_498_400_000),
            ("1793498400123", 1_793_498_400_123), ("\"1793498400123\"", 1_793_498_400_123),
            ("1793498400.9", 1_793_498_400_000), ("1000000000", 1_000_000_000_000),
            ("999999999", nil), ("99999999999", 99_999_999_999_000), ("100000000000", nil),
            ("1000000000000", 1_000_000_000_000), ("99999999999999", 99_999_999_999_999),
            ("100000000000000", nil), ("0", nil), ("3600", nil), ("-1793498400", nil),
            ("1e999", nil), ("null", nil),
            ("\"2026-10-31T21:20:00Z\"", 1_793_481_600_000),
            ("\"2026-10-31t23:20:00.25+02:00\"", 1_793_481_600_250),
            ("\"2026-10-31T23:20:00\\u002B02:00\"", 1_793_481_600_000),
            ("\"2026-10-31T21:20:00\"", nil), ("\"Sat, 31 Oct 2026 21:20:00 GMT\"", nil),
        ] as [(String, Int64?)]) func tellsSecondsFromMilliseconds(
            _ written: String, _ milliseconds: Int64?
        ) throws
    {
        #expect(try Read("{\"expires_at\":\(written)}").expiresAt?.milliseconds == milliseconds)
        #expect(try Read("{\"expires_on\":\(written)}").expiresOn?.milliseconds == milliseconds)
    }

    @Test func readsErrors() throws {
        for error in OAuthError.allCases where error != .other {
            #expect(try Read("{\"error\":\"\(error.code)\"}").error == error)
        }
        #expect(try Read(#"{"error":"invalid\u005fgrant"}"#).error == .invalidGrant)
        #expect(try Read(#"{"error":"Invalid_Grant"}"#).error == .other)
        #expect(try Read(#"{"error":"bad_refresh_token"}"#).error == .other)
        #expect(try Read(#"{"error":{"code":190,"message":"x"}}"#).error == .other)
        #expect(try Read(#"{"error":true}"#).error == .other)
        #expect(try Read(#"{"error":1}"#).error == .other)
        #expect(try Read(#"{"error_description":"invalid_grant"}"#).error == nil)
    }

    @Test(arguments: [
        "\\r", "\\n", "a\\r\\nX-Injected: 1", "\\u0000", "\\u001f", "\\u007f", "\u{7F}", "ü",
        "\\u00fc", "\u{FEFF}", "😀", "\\ud83d\\ude00", "\\t",
    ]) func refusesTokensThatAreNotVisible(_ token: String) {
        #expect(isUnreadable("{\"access_token\":\"\(token)\"}"))
        #expect(isUnreadable("{\"access_token\":\"a\",\"refresh_token\":\"b\(token)c\"}"))
    }

    @Test func takesEveryVisibleCharacter() throws {
        let all = (UInt8(0x20)...0x7E).map {
            "\\u00" + ($0 < 16 ? "0" : "") + String($0, radix: 16)
        }
        let read = try Read("{\"access_token\":\"\(all.joined())\"}")
        #expect(read.accessToken?.utf8.count == 0x5F)
    }

    /// RFC 6749 section 5.1: unknown members are ignored, whatever is wrong with them.
    @Test(arguments: [
        #""x":"\ud800""#, #""x":NaN"#, #""x":1,"x":2"#, #""x":1,"\u0078":2"#, #""x":{"a":1,"a":2}"#,
        #""access_token ":"b""#, #""Access_token":"b""#, #""\ud800":1"#, #""x":"a\u0000\q""#,
        #""x":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"#, #""status":1,"status":2"#,
    ]) func passesOverWhatNobodyReads(_ members: String) throws {
        for body in [
            "{\(members),\"access_token\":\"a\"}", "{\"access_token\":\"a\",\(members)}",
            "\u{FEFF}{\(members),\"access_token\":\"a\"}\r\n<!-- x -->",
        ] {
            #expect(try Read(body).accessToken == "a", "\(body)")
        }
        var latin = Array("{\"name\":\"Jos".utf8) + [0xE9]
        latin += Array("\",\(members),\"access_token\":\"a\"}".utf8)
        #expect(!isUnreadable(latin))
    }

    @Test(arguments: ["scope", "token_type", "expires_in", "expires_at", "expires", "error"])
    func refusesOwnMembersTwice(_ name: String) {
        #expect(isUnreadable("{\"\(name)\":null,\"access_token\":\"a\",\"\(name)\":null}"))
    }

    @Test(arguments: [
        #"{"access_token":1}"#, #"{"access_token":true}"#, #"{"access_token":["a"]}"#,
        #"{"access_token":{"value":"a"}}"#, #"{"access_token":"a","refresh_token":7}"#,
        #"{"access_token":"a","access_token":"b"}"#,
        #"{"access_token":"a","access\u005ftoken":"b"}"#,
        #"{"access_token":"a\q"}"#, #"{"access_token":"\ud800"}"#, #"{"access_token":undefined}"#,
        #"{"access_token":"a""#, #"{"access_token":"a"#,
        "<html><body>Sign in</body></html>", "access_token=a&token_type=bearer", "",
        #"[{"access_token":"a"}]"#, #""a""#,
    ]) func refusesHostileBodies(_ body: String) { #expect(isUnreadable(body)) }

    @Test func holdsItsLimits() throws {
        func body(_ name: String, _ count: Int) -> String {
            "{\"\(name)\":\"" + String(repeating: "t", count: count) + "\"}"
        }
        let longest = try Read(body("access_token", TokenSet.tokenBytesMax))
        #expect(longest.accessToken?.utf8.count == TokenSet.tokenBytesMax)
        #expect(isUnreadable(body("access_token", TokenSet.tokenBytesMax + 1)))
        #expect(isUnreadable(body("refresh_token", TokenSet.tokenBytesMax + 1)))
        #expect(isUnreadable(body("access_token", 100 * 1024)))
        #expect(try Read(body("scope", TokenSet.scopeBytesMax)).scope != nil)
        #expect(try Read(body("scope", TokenSet.scopeBytesMax + 1)).scope == nil)
        let longestType = BearerTypes.Named.byteCountMax
        #expect(
            try Read(body("token_type", longestType)).tokenType
                == .other(String(repeating: "t", count: longestType)))
        #expect(try Read(body("token_type", longestType + 1)).tokenType == .other(""))
        #expect(isUnreadable(body("x", 1 << 20)))
    }

    /// Every truncation of a reply is refused: none is a shorter reply that would be believed.
    @Test func refusesEveryTruncation() {
        let body = Array(MutationTests.replies[0].utf8)
        for count in 0..<body.count {
            #expect(isUnreadable(Array(body[..<count])), "first \(count) bytes")
        }
    }
}

/// The fields of a reply as values that an expectation can take.
private struct Read {
    let accessToken: String?
    let refreshToken: String?
    let tokenType: BearerTypes.Named
    let scope: String?
    let expiresIn: TokenReply.Stated?
    let expiresInCamel: TokenReply.Stated?
    let expiresAt: UnixTime?
    let expiresOn: UnixTime?
    let expires: TokenReply.Stated?
    let refreshTokenExpiresIn: [TokenReply.Stated?]
    let error: OAuthError?

    init(_ body: String) throws(VaultError) {
        var secret = try body.secret()
        let reply = try Self.members(secret)
        accessToken = Self.text(reply.accessToken, in: &secret)
        refreshToken = Self.text(reply.refreshToken, in: &secret)
        tokenType = reply.tokenType
        scope = reply.scope
        (expiresIn, expiresInCamel) = (reply.expiresIn, reply.expiresInCamel)
        (expiresAt, expiresOn, expires) = (reply.expiresAt, reply.expiresOn, reply.expires)
        refreshTokenExpiresIn = [
            reply.refreshTokenExpiresIn, reply.refreshTokenExpiresInX, reply.refreshExpiresIn,
        ]
        error = reply.error
    }

    private static func members(_ body: borrowing Secret) throws(VaultError) -> TokenReply.Members {
        try TokenReply.Members(body.bytes)
    }

    private static func text(
        _ place: TokenReply.Members.Place?, in body: inout Secret
    ) -> String? {
        guard let place else { return nil }
        let range = JSONText.unescape(place.range, of: &body)
        return body.bytes.extracting(range).publicText
    }
}

private func isUnreadable(_ body: String) -> Bool { isUnreadable(Array(body.utf8)) }

private func isUnreadable(_ body: [UInt8]) -> Bool {
    do {
        _ = try body.lend { (span) throws(VaultError) in try TokenReply.Members(span) }
        return false
    } catch { return error.code == .providerAnswerUnreadable && error.stage == .exchange }
}
