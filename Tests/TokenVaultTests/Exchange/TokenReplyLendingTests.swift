// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The tokens of a reply are lent from the body they arrived in.
@Suite(.serialized) struct TokenReplyLendingTests {
    static let escaped =
        #"{"refresh_token":"1\/\/0g\u0041\\","access_token":"a\/b\u0020\"c","#
        + #""scope":"s\/t","token_type":"Bearer"}"#

    @Test func lendsWhatEscapesStandFor() throws {
        let reply = try #require(try lent(Self.escaped))
        #expect(reply == Lent(accessToken: "a/b \"c", refreshToken: "1//0gA\\", scope: "s/t"))
        let plain = try #require(try lent(#"{"access_token":"a","refresh_token":null}"#))
        #expect(plain == Lent(accessToken: "a", refreshToken: nil, scope: nil))
    }

    /// An answered refresh is not lost for lack of blocks: nothing but a JWT's payload takes one.
    @Test func judgesWithoutAFreeBlock() throws {
        let body = try Self.escaped.secret()
        let jwt = try #"{"access_token":"e30.eyJleHAiOjE3OTM0OTg0MDB9.c"}"#.secret()
        let hoard = BlockHoard.take(allOf: SecretArena.classes.map(\.byteCount).reversed())
        let source = expirySource(jwt)
        let reply = try lent(body)
        withExtendedLifetime(hoard) {}
        #expect(reply == Lent(accessToken: "a/b \"c", refreshToken: "1//0gA\\", scope: "s/t"))
        #expect(source == .provider)
    }

    /// Where nobody understands it, the body is handed on as it came, escapes and all.
    @Test func handsOnABodyUnchanged() throws {
        let body = #"{"access_token":"a\/b","refresh_token":"c\/d","token_type":"mac"}"#
        guard
            case .unread(200, let kept, _) = Verdict(
                TransportReply(status: 200, body: try body.secret()))
        else {
            Issue.record("not unread")
            return
        }
        let text = kept.bytes.publicText
        #expect(text == body)
    }

    @Test func tellsVisibleBytesFromOthers() {
        for count in 1...17 {
            for place in 0..<count {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: 0x20 + UInt8(place) * 5, count: count)
                    bytes[place] = byte
                    let isVisible = bytes.lend { JSONText.isVisible($0) }
                    #expect(isVisible == (0x20...0x7E).contains(byte), "\(byte) at \(place)")
                }
            }
        }
    }

    @Test func adoptsSpansAsItDoesATokenSet() throws {
        let now = UnixTime(seconds: 1_793_490_000)
        var lent = try ConnectionRecord(id: try ConnectionID("c"), now: now)
        var owned = try ConnectionRecord(id: try ConnectionID("c"), now: now)
        for body in [Self.escaped, #"{"access_token":"z","expires_in":60}"#] {
            let reply = try reply(body)
            let expiry = reply.expiry(
                requestedAt: now, providerLifetimeSeconds: nil, applicationLifetimeSeconds: 90)
            let terms = ConnectionRecord.Terms(
                scope: reply.scope, accessTokenExpiry: expiry.moment, expirySource: expiry.source)
            try lent.adopt(
                accessToken: reply.accessTokenBytes, refreshToken: reply.refreshTokenBytes, terms,
                requestStart: now)
            let tokens = try reply.tokens(
                requestedAt: now, providerLifetimeSeconds: nil, applicationLifetimeSeconds: 90)
            try owned.adopt(tokens, requestStart: now)
            let areEqual = Sodium.isEqual(lent.fields.bytes, owned.fields.bytes)
            #expect(areEqual)
        }
        let kept = lent.hasRefreshToken
        #expect(kept)
    }

    private struct Lent: Equatable {
        let accessToken: String?
        let refreshToken: String?
        let scope: String?

        init(accessToken: String?, refreshToken: String?, scope: String?) {
            (self.accessToken, self.refreshToken) = (accessToken, refreshToken)
            self.scope = scope
        }

        init(_ reply: borrowing TokenReply) {
            accessToken = reply.accessTokenBytes.publicText
            refreshToken = if let bytes = reply.refreshTokenBytes { bytes.publicText } else { nil }
            scope = reply.scope
        }
    }

    private func lent(_ body: String) throws -> Lent? { try lent(body.secret()) }

    private func lent(_ body: consuming Secret) throws -> Lent? {
        guard case .tokens(let reply) = Verdict(TransportReply(status: 200, body: body)) else {
            return nil
        }
        return Lent(reply)
    }

    private func expirySource(_ body: consuming Secret) -> TokenSet.ExpirySource? {
        guard case .tokens(let reply) = Verdict(TransportReply(status: 200, body: body)) else {
            return nil
        }
        return reply.expiry(
            requestedAt: UnixTime(seconds: 1_793_000_000), providerLifetimeSeconds: 60,
            applicationLifetimeSeconds: nil
        ).source
    }

    private func reply(_ body: String) throws -> TokenReply {
        let members = try body.lend { (span) throws(VaultError) in try TokenReply.Members(span) }
        return TokenReply(try body.secret(), members)
    }
}
