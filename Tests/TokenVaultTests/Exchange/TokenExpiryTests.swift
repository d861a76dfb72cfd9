// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import TokenVault

@Suite struct TokenExpiryTests {
    static let start = UnixTime(milliseconds: 1_793_490_000_500)
    /// `{"alg":"RS256"}`, `{"iss":"https:\/\/i","exp":1793498400.9,"exp_":1}` and no signature.
    static let jwt =
        "eyJhbGciOiJSUzI1NiJ9."
        + "eyJpc3MiOiJodHRwczpcL1wvaSIsImV4cCI6MTc5MzQ5ODQwMC45LCJleHBfIjoxfQ.c2ln"
    static let jwtExpiry = UnixTime(seconds: 1_793_498_400)

    @Test func asksTheSourcesInOrder() throws {
        let at = "\"expires_at\":1793497000"
        var found = try tokens("\"access_token\":\"\(Self.jwt)\",\"expires_in\":3600,\(at)", 60, 90)
        #expect(found == Found(Self.start.adding(milliseconds: 3_600_000), .expiresIn))
        found = try tokens("\"access_token\":\"\(Self.jwt)\",\(at)", 60, 90)
        #expect(found == Found(UnixTime(seconds: 1_793_497_000), .expiresAt))
        found = try tokens("\"access_token\":\"\(Self.jwt)\"", 60, 90)
        #expect(found == Found(Self.jwtExpiry, .jwt))
        found = try tokens("\"access_token\":\"opaque\"", 60, 90)
        #expect(found == Found(Self.start.adding(milliseconds: 60_000), .provider))
        found = try tokens("\"access_token\":\"opaque\"", nil, 90)
        #expect(found == Found(Self.start.adding(milliseconds: 90_000), .application))
        found = try tokens("\"access_token\":\"opaque\"", nil, nil)
        #expect(found == Found(nil, .unknown))
    }

    @Test func passesOverSourcesThatSayNothing() throws {
        let provider = Found(Self.start.adding(milliseconds: 60_000), .provider)
        let past = "\"expires_at\":1793490000"
        #expect(try tokens("\"access_token\":\"a\",\"expires_in\":0,\(past)", 60, 90) == provider)
        #expect(try tokens("\"access_token\":\"a\",\"expires_in\":-1", 60, 90) == provider)
        let application = Found(Self.start.adding(milliseconds: 90_000), .application)
        #expect(try tokens("\"access_token\":\"a\"", 0, 90) == application)
        #expect(try tokens("\"access_token\":\"a\"", -5, 90) == application)
    }

    /// The provider's `Date`, where its clock is wrong, or ours, by so many seconds.
    @Test(arguments: [
        (0, 0), (4, 0), (-4, 0), (60, 60), (-60, -60), (2999, 2999), (-2999, -2999),
        // Whoever is wrong by more says nothing about the clock.
        (3002, 0), (-3002, 0), (3600, 0), (-3600, 0), (315_000_000, 0),
    ]) func setsMomentsByOurClock(aheadSeconds: Int64, applied: Int64) throws {
        let date = Self.date(Self.start.milliseconds / 1000 + aheadSeconds)
        let found = try tokens(
            "\"access_token\":\"a\",\"expires_at\":1793497000", nil, nil, date: date)
        let error = found.expiry.map { $0.milliseconds(since: UnixTime(seconds: 1_793_497_000)) }
        // `Date` has whole seconds.
        #expect(abs(try #require(error) + applied * 1000) <= 1000)
        #expect(found.source == .expiresAt)
        let lifetime = try tokens(
            "\"access_token\":\"a\",\"expires_in\":60", nil, nil, date: date)
        #expect(lifetime == Found(Self.start.adding(milliseconds: 60_000), .expiresIn))
    }

    @Test func boundsEveryLifetime() throws {
        let latest = Self.start.adding(milliseconds: TokenReply.lifetimeSecondsMax * 1000)
        #expect(
            try tokens("\"access_token\":\"a\",\"expires_in\":500000000", nil, nil)
                == Found(latest, .expiresIn))
        #expect(
            try tokens("\"access_token\":\"a\",\"expires_at\":99999999999", nil, nil)
                == Found(latest, .expiresAt))
        #expect(try tokens("\"access_token\":\"a\"", .max, nil) == Found(latest, .provider))
    }

    /// From 10^9 on a lifetime is a moment, where one within ten years comes of it, or nonsense.
    @Test(arguments: ["expires_in", "expiresIn"])
    func lifetimesThatAreMoments(_ name: String) throws {
        func found(_ written: String, date: HTTPDate.Text? = nil) throws -> Found {
            try tokens("\"access_token\":\"a\",\"\(name)\":\(written)", 60, nil, date: date)
        }
        let provider = Found(Self.start.adding(milliseconds: 60_000), .provider)
        #expect(try found("1793497000") == Found(UnixTime(seconds: 1_793_497_000), .expiresIn))
        #expect(
            try found("\"1793497000123\"")
                == Found(UnixTime(milliseconds: 1_793_497_000_123), .expiresIn))
        for nonsense in [
            // The past, more than ten years ahead, 2^31 - 1, 2^63 - 1, microseconds.
            "1793490000", "1000000000", "2108850001", "2147483647", "9223372036854775807",
            "1793497000123456", "99999999999", "1e12", "1e30",
        ] {
            #expect(try found(nonsense) == provider, "\(nonsense)")
        }
        // The provider's clock is a minute ahead.
        let ahead = Self.date(Self.start.milliseconds / 1000 + 60)
        let error = try found("1793497060", date: ahead).expiry.map {
            abs($0.milliseconds(since: UnixTime(seconds: 1_793_497_000)))
        }
        #expect(try #require(error) <= 1000)
    }

    /// Other names are asked where those of the RFC and of practice say nothing.
    @Test func asksTheOtherNames() throws {
        func found(_ members: String) throws -> Found {
            try tokens("\"access_token\":\"a\",\(members)", 60, nil)
        }
        let hour = Found(Self.start.adding(milliseconds: 3_600_000), .expiresIn)
        let moment = Found(UnixTime(seconds: 1_793_497_000), .expiresAt)
        #expect(try found(#""expiresIn":3600"#) == hour)
        #expect(try found(#""expires":"3600""#) == hour)
        #expect(try found(#""expires_on":"1793497000""#) == moment)
        #expect(try found(#""expires":1793497000"#) == moment)
        #expect(try found(#""expires":"2026-11-01T01:36:40Z""#) == moment)
        #expect(try found(#""expires_at":"2026-10-31T21:36:40-04:00""#) == moment)
        #expect(try found(#""expires_on":"2026-11-01 01:36:40Z""#) == moment)
        #expect(
            try found(#""expires_in":3600,"expiresIn":7,"expires":8,"expires_at":1793497000"#)
                == hour)
        #expect(try found(#""expires_in":null,"expiresIn":3600,"expires_on":1793497000"#) == hour)
        #expect(
            try found(#""expires_at":1793497000,"expires_on":1793498000,"expires":1793499000"#)
                == moment)
        #expect(try found(#""expires_at":"never","expires_on":0,"expires":1793497000"#) == moment)
    }

    @Test func takesTheLeastOfTwoRefreshTokenLifetimes() throws {
        let reply = try scan(
            "{\"access_token\":\"a\",\"refresh_expires_in\":1793499000,"
                + "\"x_refresh_token_expires_in\":5000,\"refresh_token_expires_in\":2147483647}")
        let expiry = reply.refreshTokenExpiry(requestedAt: Self.start)
        #expect(expiry == Self.start.adding(milliseconds: 5_000_000))
    }

    @Test func refreshTokenLifetimesCountFromTheRequest() throws {
        let reply = try scan(
            "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"refresh_token_expires_in\":100}")
        let tokens = try reply.tokens(
            requestedAt: Self.start, providerLifetimeSeconds: nil, applicationLifetimeSeconds: nil)
        let expiry = tokens.refreshTokenExpiry
        #expect(expiry == Self.start.adding(milliseconds: 100_000))
        let type = tokens.tokenType
        #expect(type == "Bearer")
        let refreshToken =
            switch tokens.refreshToken {
            case .some(let token): token.bytes.publicText
            case .none: "none"
            }
        #expect(refreshToken == "r")
    }

    @Test(arguments: [
        "{}", #"{"refresh_token":"r"}"#, #"{"access_token":"a","token_type":"mac"}"#,
        #"{"access_token":"a","token_type":"bearers"}"#, #"{"access_token":"a","error":"x"}"#,
    ]) func refusesWhatIsNoTokenResponse(_ body: String) throws {
        let isTokenResponse = try body.lend { (span) throws(VaultError) in
            try TokenReply.Members(span).isTokenResponse(.bearer)
        }
        #expect(!isTokenResponse)
    }

    @Test(
        arguments: [
            (jwt, jwtExpiry), ("e30.eyJleHAiOjE3OTM0OTg0MDB9.", jwtExpiry),
            // "exp" as a string, as milliseconds, as null, negative, absent, twice, nested.
            ("e30.eyJleHAiOiIxNzkzNDk4NDAwIn0.c", jwtExpiry),
            ("e30.eyJleHAiOjE3OTM0OTg0MDAwMDB9.c", jwtExpiry),
            ("e30.eyJleHAiOm51bGx9.c", nil), ("e30.eyJleHAiOi0xfQ.c", nil), ("e30.e30.c", nil),
            ("e30.eyJleHAiOjE3OTM0OTg0MDAsImV4cCI6MTc5MzQ5ODQwMH0.c", nil),
            ("e30.eyJhIjp7ImV4cCI6MTc5MzQ5ODQwMH19.c", nil),
            // Not three parts, not base64url, padded, cut short, not JSON.
            ("", nil), (".", nil), ("..", nil), ("opaque", nil), ("a.b", nil), ("..e30", nil),
            (".eyJleHAiOjE3OTM0OTg0MDB9.c", nil), ("e30.eyJleHAiOjE3OTM0OTg0MDB9", nil),
            ("e30.eyJleHAiOjE3OTM0OTg0MDB9.c.d", nil), ("e30.eyJleHAiOjE3OTM0OTg0MDB9=.c", nil),
            ("e30.eyJleHAiOjE3OTM0OTg0MD+9.c", nil), ("e30.eyJleHAiOjE3OTM0OTg0MDB9A.c", nil),
            ("e30.eyJleHAiOjE3OTM0OTg0MDB.c", nil), ("sl.B.AbC", nil), ("e30.-_-_.c", nil),
        ] as [(String, UnixTime?)]) func readsTheExpiryOfAJWT(
            _ token: String, _ expiry: UnixTime?
        ) throws
    {
        let found = token.lend { JWTExpiry.read($0) }
        #expect(found == expiry)
    }

    private struct Found: Equatable {
        let expiry: UnixTime?
        let source: TokenSet.ExpirySource

        init(_ expiry: UnixTime?, _ source: TokenSet.ExpirySource) {
            (self.expiry, self.source) = (expiry, source)
        }
    }

    private func tokens(
        _ members: String, _ provider: Int64?, _ application: Int64?, date: HTTPDate.Text? = nil
    ) throws(VaultError) -> Found {
        let reply = try scan("{\(members)}", date: date)
        let tokens = try reply.tokens(
            requestedAt: Self.start, providerLifetimeSeconds: provider,
            applicationLifetimeSeconds: application)
        return Found(tokens.accessTokenExpiry, tokens.expirySource)
    }

    private static func date(_ seconds: Int64) -> HTTPDate.Text? {
        dateText(seconds).lend { HTTPDate.Text($0) }
    }

    static func dateText(_ seconds: Int64) -> String {
        var (seconds, parts) = unsafe (time_t(seconds), tm())
        unsafe gmtime_r(&seconds, &parts)
        var text = [UInt8](repeating: 0, count: 40)
        let count = unsafe text.withUnsafeMutableBytes {
            unsafe strftime(
                $0.baseAddress?.assumingMemoryBound(to: CChar.self), 40,
                "%a, %d %b %Y %H:%M:%S GMT", &parts)
        }
        return String(decoding: text.prefix(count), as: UTF8.self)
    }

    private func scan(
        _ body: String, date: HTTPDate.Text? = nil
    ) throws(VaultError) -> TokenReply {
        let members = try body.lend { (span) throws(VaultError) in try TokenReply.Members(span) }
        return TokenReply(try body.secret(), members, date: date)
    }
}
