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
        #expect(read.tokenType == "Bearer")
        #expect(read.scope == "email https://example.com/a")
        #expect(read.expiresInSeconds == 3599)
        #expect(read.expiresAt == UnixTime(seconds: 1_793_498_400))
        #expect(read.refreshTokenExpiresInSeconds == 604_800)
        #expect(read.error == nil)
    }

    @Test(arguments: [
        #"{}"#, #"{"access_token":null,"refresh_token":null,"token_type":null,"scope":null}"#,
        #"{"access_token":"","refresh_token":"","token_type":"","scope":"","error":""}"#,
        #"{"expires_in":null,"expires_at":null,"refresh_token_expires_in":null,"error":null}"#,
        #"{"token_type":1,"scope":["a","b"],"expires_in":true,"expires_at":{},"error":false}"#,
    ]) func emptyIsAbsent(_ body: String) throws {
        let read = try Read(body)
        #expect(read.accessToken == nil && read.refreshToken == nil && read.tokenType == nil)
        #expect(read.scope == nil && read.expiresInSeconds == nil && read.expiresAt == nil)
        #expect(read.refreshTokenExpiresInSeconds == nil && read.error == nil)
    }

    @Test(
        arguments: [
            ("3600", 3600), ("\"3600\"", 3600), ("3600.5", 3600), ("\"3600.5\"", 3600),
            ("3.6e3", 3600),
            ("1", 1), ("1e999", TokenReply.lifetimeSecondsMax), ("315360001", 315_360_000),
            ("9223372036854775808", TokenReply.lifetimeSecondsMax),
            ("9223372036854775807", TokenReply.lifetimeSecondsMax),
            ("0", nil), ("0.5", nil), ("-1", nil), ("-1e999", nil), ("\"-1\"", nil),
            ("\"NaN\"", nil),
            ("\"\"", nil), ("\"1h\"", nil), ("\" 3600\"", nil), ("[3600]", nil), ("true", nil),
            ("\"36\\u00300\"", nil),
        ] as [(String, Int64?)]) func readsLifetimes(_ written: String, _ seconds: Int64?) throws
    {
        let names = [
            "expires_in", "refresh_token_expires_in", "x_refresh_token_expires_in",
            "refresh_expires_in",
        ]
        for name in names {
            let read = try Read("{\"\(name)\":\(written)}")
            let (own, other) =
                name == "expires_in"
                ? (read.expiresInSeconds, read.refreshTokenExpiresInSeconds)
                : (read.refreshTokenExpiresInSeconds, read.expiresInSeconds)
            #expect(own == seconds)
            #expect(other == nil)
        }
    }

    @Test func takesTheLeastOfTwoRefreshTokenLifetimes() throws {
        let body =
            #"{"refresh_expires_in":9,"x_refresh_token_expires_in":5,"refresh_token_expires_in":7}"#
        #expect(try Read(body).refreshTokenExpiresInSeconds == 5)
    }

    @Test(
        arguments: [
            ("1793498400", 1_793_498_400_000), ("\"1793498400\"", 1_793_498_400_000),
            ("1793498400123", 1_793_498_400_123), ("\"1793498400123\"", 1_793_498_400_123),
            ("1793498400.9", 1_793_498_400_000), ("1000000000", 1_000_000_000_000),
            ("999999999", nil), ("99999999999", 99_999_999_999_000), ("100000000000", nil),
            ("1000000000000", 1_000_000_000_000), ("99999999999999", 99_999_999_999_999),
            ("100000000000000", nil), ("0", nil), ("3600", nil), ("-1793498400", nil),
            ("1e999", nil),
            ("\"2026-11-24T02:00:00Z\"", nil), ("null", nil),
        ] as [(String, Int64?)]) func tellsSecondsFromMilliseconds(
            _ written: String, _ milliseconds: Int64?
        ) throws
    {
        #expect(try Read("{\"expires_at\":\(written)}").expiresAt?.milliseconds == milliseconds)
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
        #expect(try Read(#"{"error":0}"#).error == .other)
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

    @Test(arguments: [
        #"{"access_token":1}"#, #"{"access_token":true}"#, #"{"access_token":["a"]}"#,
        #"{"access_token":{"value":"a"}}"#, #"{"access_token":"a","refresh_token":7}"#,
        #"{"access_token":"a","access_token":"b"}"#,
        #"{"access_token":"a","access\u005ftoken":"b"}"#,
        #"{"access_token":"a","expires_in":NaN}"#, #"{"access_token":"a"} "# + "\0",
        #"{"access_token":"a""#, #"{"access_token":"a"#, "\u{FEFF}{\"access_token\":\"a\"}",
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
        #expect(try Read(body("scope", TokenReply.scopeBytesMax)).scope != nil)
        #expect(isUnreadable(body("scope", TokenReply.scopeBytesMax + 1)))
        #expect(try Read(body("token_type", TokenReply.tokenTypeBytesMax)).tokenType != nil)
        #expect(isUnreadable(body("token_type", TokenReply.tokenTypeBytesMax + 1)))
        #expect(isUnreadable(body("x", 1 << 20)))
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(isUnreadable("{\"access_token\":\"a\",\"x\":\(deep)}"))
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
    let tokenType: String?
    let scope: String?
    let expiresInSeconds: Int64?
    let expiresAt: UnixTime?
    let refreshTokenExpiresInSeconds: Int64?
    let error: OAuthError?

    init(_ body: String) throws(VaultError) {
        var secret = try body.secret()
        let reply = try Self.members(secret)
        accessToken = Self.text(reply.accessToken, in: &secret)
        refreshToken = Self.text(reply.refreshToken, in: &secret)
        tokenType = reply.tokenType
        scope = reply.scope
        expiresInSeconds = reply.expiresInSeconds
        expiresAt = reply.expiresAt
        refreshTokenExpiresInSeconds = reply.refreshTokenExpiresInSeconds
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
    } catch { return error == VaultError(.providerAnswerUnreadable, .exchange) }
}
