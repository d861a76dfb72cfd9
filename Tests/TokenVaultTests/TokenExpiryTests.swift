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
            try tokens("\"access_token\":\"a\",\"expires_in\":1e30", nil, nil)
                == Found(latest, .expiresIn))
        #expect(
            try tokens("\"access_token\":\"a\",\"expires_at\":99999999999", nil, nil)
                == Found(latest, .expiresAt))
        #expect(try tokens("\"access_token\":\"a\"", .max, nil) == Found(latest, .provider))
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
        #"{"access_token":"a","token_type":"bearer "}"#, #"{"access_token":"a","error":"x"}"#,
    ]) func refusesWhatIsNoTokenResponse(_ body: String) throws {
        let isTokenResponse = try body.lend { (span) throws(VaultError) in
            try TokenReply.Members(span).isTokenResponse
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
        var (seconds, parts) = unsafe (time_t(seconds), tm())
        unsafe gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 40)
        let count = unsafe strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return unsafe HTTPDate.Text(text.span.bytes.extracting(0..<count))
    }

    private func scan(
        _ body: String, date: HTTPDate.Text? = nil
    ) throws(VaultError) -> TokenReply {
        let members = try body.lend { (span) throws(VaultError) in try TokenReply.Members(span) }
        return TokenReply(try body.secret(), members, date: date)
    }
}
