// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Answers whose members lie where the provider's definition says, not where RFC 6749 has them.
@Suite struct ReplyMembersTests {
    static let sentAt = UnixTime(seconds: 1_793_490_000)

    /// A provider whose answers have these members elsewhere.
    static func provider(_ paths: KeyValuePairs<String, String>) throws -> Provider {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        let object = SettingValue(.object(paths.map { ($0.key, SettingValue(.text($0.value))) }))
        try #require(ProviderSetting["reply_members"]).set(&provider, to: object)
        return provider
    }

    static let user: KeyValuePairs = [
        "access_token": "authed_user.access_token", "refresh_token": "authed_user.refresh_token",
        "expires_in": "authed_user.expires_in", "scope": "authed_user.scope",
        "token_type": "authed_user.token_type",
    ]
    static let body: KeyValuePairs = [
        "access_token": "body.access_token", "refresh_token": "body.refresh_token",
        "expires_in": "body.expires_in", "scope": "body.scope",
    ]
    static let sentry: KeyValuePairs = [
        "access_token": "token", "refresh_token": "refreshToken", "expires_at": "expiresAt",
    ]
    static let shop: KeyValuePairs = [
        "access_token": "data.access_token", "refresh_token": "data.refresh_token",
        "expires_at": "data.access_token_expire_in",
        "refresh_token_expires_at": "data.refresh_token_expire_in",
    ]
    static let list: KeyValuePairs = [
        "access_token": "grants.1.token", "error": "errors.0.errorType",
    ]

    struct Row: Sendable, CustomTestStringConvertible {
        let paths: KeyValuePairs<String, String>
        let body: String
        let says: String
        var testDescription: String { body }

        init(_ paths: KeyValuePairs<String, String>, _ body: String, _ says: String) {
            (self.paths, self.body, self.says) = (paths, body, says)
        }
    }

    static let rows: [Row] = [
        // Slack, of the user.
        Row(
            user,
            #"""
            {"ok":true,"access_token":"xoxb","token_type":"bot","authed_user":{"id":"U1",
            "scope":"chat","access_token":"xoxe.xoxp","refresh_token":"xoxe-1",
            "token_type":"user","expires_in":43200},"team":{"id":"T"}}
            """#, "xoxe.xoxp xoxe-1 chat 43200 expiresIn -"),
        // Withings.
        Row(
            body,
            #"""
            {"status":0,"body":{"userid":"363","access_token":"a075","refresh_token":"f631",
            "expires_in":10800,"scope":"user.info","token_type":"Bearer"}}
            """#, "a075 f631 user.info 10800 expiresIn -"),
        // Sentry.
        Row(
            sentry,
            #"{"token":"t\/1","refreshToken":"r","expiresAt":"2026-11-01T00:00:00Z","x":["a"]}"#,
            "t/1 r - 1200 expiresAt -"),
        // TikTok Shop.
        Row(
            shop,
            #"""
            {"code":0,"data":{"access_token":"TTP","access_token_expire_in":1793490600,
            "refresh_token":"TTR","refresh_token_expire_in":1793491000}}
            """#, "TTP TTR - 600 expiresAt 1000"),
        Row(list, #"{"grants":[{"token":"x"}, {"token":"y"} ]}"#, "y - - - unknown -"),
        // Something was written before it.
        Row(sentry, #"<br>{"token":"t"}"#, "t - - - unknown -"),
        Row(list, #"{"gr\u0061nts":{"0":1,"1":{"tok\u0065n":"y"}}}"#, "y - - - unknown -"),
        // Nothing but what lies there, whatever is at the top.
        Row(user, #"{"access_token":"xoxb","authed_user":{"id":"U1"}}"#, "unread noAccessToken"),
        Row(
            user, #"{"access_token":"xoxb","access_token":"x","authed_user":{"access_token":"y"}}"#,
            "y - - - unknown -"),
        Row(
            user, #"{"expires_in":1,"authed_user":{"access_token":"y"}}"#, "y - - - unknown -"),
        Row(user, #"{"access_token":"xoxb","error":"invalid_grant"}"#, "unread noAccessToken"),
        Row(user, #"{"error":"invalid_grant"}"#, "grantLost"),
        Row(user, #"{"authed_user":{"access_token":"y"},"error":"x"}"#, "unread nil"),
        Row(list, #"{"errors":[{"errorType":"invalid_grant"}]}"#, "grantLost"),
        Row(list, #"{"error":"invalid_grant","grants":[]}"#, "unreadable"),
        // Twice, too long, no text: unread, never lost.
        Row(
            user, #"{"authed_user":{"access_token":"a"},"authed_user":{"access_token":"b"}}"#,
            "unread memberTwice"),
        Row(
            user, #"{"authed_user":{"access_token":"a","access_token":"b"}}"#,
            "unread memberTwice"),
        Row(user, #"{"authed_user":{"access_token":7}}"#, "unread tokenNotText"),
        Row(user, #"{"authed_user":{"access_token":"a",}}"#, "unread nil"),
        Row(user, #"{"authed_user":[{"access_token":"a"}]}"#, "unread nil"),
        Row(
            user, #"{"authed_user":{"access_token":"a","token_type":"dpop"}}"#,
            "unread tokenTypeNotTaken"),
        Row(sentry, #"{"token":["t"],"refreshToken":"r"}"#, "unread tokenNotText"),
        Row(sentry, #"{"token":["t"]}"#, "unread tokenNotText"),
        Row(sentry, #"{"token":null}"#, "unreadable"),
    ]

    @Test(arguments: rows) func reads(_ row: Row) throws {
        let rules = try #require(ReplyRules(try Self.provider(row.paths)))
        #expect(try says(row.body, rules) == row.says)
    }

    /// Whatever is beside it, and however it is cut, an answer that outgrows its block is reduced
    /// to one that says the same.
    @Test(arguments: rows) func staysWhatItIsWhenItIsReduced(_ row: Row) throws {
        let rules = try #require(ReplyRules(try Self.provider(row.paths)))
        // Nobody looks for the beginning of a long one.
        guard row.body.hasPrefix("{") else { return }
        let long = String(repeating: "j", count: 70_000)
        let brace = try #require(row.body.firstIndex(of: "{"))
        let open = row.body[...brace], rest = row.body[row.body.index(after: brace)...]
        let padded = "\(open)\"id_token\":\"\(long)\",\(rest.dropLast()),\"x\":{\"y\":\"\(long)\"}}"
        for size in [1, 7, 1000, 4096, 200_000] {
            let left = try arrive(padded, rules, inPiecesOf: size)
            // In what cannot be told from the outside, its members are kept as they are.
            guard !row.body.contains(",}") else { continue }
            #expect(try says(left, rules) == row.says, "pieces of \(size): \(left)")
            #expect(left.utf8.count < row.body.utf8.count + 80)
        }
    }

    @Test func containersAreReducedToo() throws {
        let rules = try #require(ReplyRules(try Self.provider(Self.user)))
        let long = String(repeating: "j", count: 70_000)
        let body = #"""
            {"a":1, "authed_user" : { "x":"\#(long)","scope" : "s", "y":[{"scope":1}],
            "access_token":"a" , "id_token":{"z":"\#(long)"}, "refreshToken":"r"} , "scope":"t"}
            """#
        let left =
            #"{"authed_user":{"scope" : "s","access_token":"a","refreshToken":"r"},"scope":"t"}"#
        for size in [1, 7, 1000, 4096, 200_000] {
            #expect(try arrive(body, rules, inPiecesOf: size) == left, "pieces of \(size)")
        }
        let empty = #"{"x":"\#(long)","authed_user":{ },"scope":"t","authed_user":{"q":1}}"#
        #expect(
            try arrive(empty, rules, inPiecesOf: 4096)
                == #"{"authed_user":{},"scope":"t","authed_user":{}}"#)
        let overlong = #"{"authed_user":{"access_token":"\#(long)","refresh_token":"r"}}"#
        #expect(
            try arrive(overlong, rules, inPiecesOf: 4096)
                == #"{"authed_user":{"access_token":[0],"refresh_token":"r"}}"#)
    }

    @Test func codesAreLookedForThere() throws {
        var provider = try Self.provider(["error": "meta.code"])
        provider.grantLostErrors = ["40105", "gone"]
        provider.grantLostAnswers = [.init(status: 403, error: "expired")]
        let rules = ReplyRules(provider)
        func verdict(_ status: Int, _ body: String) throws -> String {
            text(
                Verdict(
                    TransportReply(status: status, body: try body.secret()),
                    lost: GrantLostErrors(provider, rules),
                    likelyLost: GrantLostAnswers(provider, rules), rules: rules))
        }
        for body in [#"{"meta":{"code":40105}}"#, #"{"meta":{"code":"gone"}}"#] {
            #expect(try verdict(400, body) == "grantLost")
            #expect(try verdict(200, body) == "grantLost")
        }
        #expect(try verdict(400, #"{"error":"gone"}"#) == "refused nil")
        #expect(try verdict(400, #"{"meta":{"code":40105.0}}"#) == "refused other")
        #expect(try verdict(400, #"{"meta":{"code":0},"code":40105}"#) == "refused nil")
        #expect(try verdict(400, #"{"meta":{"code":"invalid_scope"}}"#) == "refused invalidScope")
        #expect(try verdict(403, #"{"meta":{"code":"expired"}}"#) == "grantLikelyLost")
        #expect(try verdict(403, #"{"meta":{"code":"x"},"error":"expired"}"#) == "refused other")
    }

    @Test func codesAreLookedForAtFurtherPaths() throws {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.grantLostErrors = ["Invalid Token!"]
        provider.temporaryErrors = [.init(error: "7")]
        provider.errorPaths = ["reason", "errors.0.code"]
        for (body, says) in [
            (#"{"reason":"Invalid Token!","error":"invalid_request"}"#, "grantLost"),
            (#"{"errors":[{"code":7}],"error":"invalid_grant"}"#, "transient 400"),
            (#"{"errors":[{"code":8}],"error":"invalid_scope"}"#, "refused invalidScope"),
        ] {
            #expect(try verdictText(provider, 400, body) == says)
        }
        #expect(try verdictText(provider, 200, #"{"access_token":"a","reason":"7"}"#) == "tokens a")
    }

    @Test func lifetimesCountMilliseconds() throws {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        #expect(ReplyRules(provider) == nil)
        provider.lifetimeUnit = .milliseconds
        let rules = try #require(ReplyRules(provider))
        for (number, seconds) in [
            ("3600000", "3600 expiresIn"), ("\"1999\"", "1 expiresIn"), ("1", "1 expiresIn"),
            ("0", "- unknown"), ("-5", "- unknown"), ("2592000000", "2592000 expiresIn"),
            // A moment, in milliseconds like the rest.
            ("1793490060000", "60 expiresIn"),
        ] {
            let body = #"{"access_token":"a","expires_in":\#(number)}"#
            #expect(try says(body, rules) == "a - - \(seconds) -", "\(number)")
        }
        let refresh = #"{"access_token":"a","refresh_token_expires_in":7200000}"#
        #expect(try says(refresh, rules) == "a - - - unknown 7200")
    }

    /// What is kept of an answer names its tokens without the definition, and is read with it.
    @Test func tokensOfOtherNamesAreKeptUnderKnownOnes() throws {
        let provider = try Self.provider(Self.sentry)
        let rules = try #require(ReplyRules(provider))
        let body = #" {"token":"t","refreshToken":"r\/","expiresAt":"x","error":"y","z":1} "#
        guard
            case .unread(200, let kept, nil) = Verdict(
                TransportReply(status: 200, body: try body.secret()), rules: rules)
        else {
            Issue.record("it is lost")
            return
        }
        let text = kept.bytes.publicText ?? ""
        #expect(
            text == #"{"access_token":"t","token":"t","refreshToken":"r\/","expiresAt":"x","#
                + #""error":"y"}"#)
        var least = try kept.copy()
        let isOne = UnreadReply.namesToken(kept.bytes) && UnreadReply.reduce(&least, to: .tokens)
        let leastText = least.bytes.publicText
        #expect(isOne && leastText == #"{"access_token":"t","refreshToken":"r\/"}"#)
        let again = try #require(ReplyRules(provider, hasTokensAtTop: true))
        let mended = text.replacing(#""error":"y""#, with: #""error":null"#)
        #expect(try says(mended, again) == "t - - - unknown -")
    }

    /// Nothing of the first one's is taken for the second: its refresh token, least of all.
    @Test func aSecondConnectionIsReadOnItsOwnPathsAlone() throws {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        var members = Provider.ReplyMembers()
        members.accessToken = "user.access_token"
        provider.secondConnection = .init(suffix: ".user", replyMembers: members)
        #expect(ReplyRules(provider) == nil)
        let rules = try #require(ReplyRules(provider, readsSecond: true))
        func both(_ body: String) throws -> [String] {
            let reply = TransportReply(status: 200, body: try body.secret())
            guard case .tokens(let reply) = Verdict(reply, rules: rules) else { return [] }
            guard let second = try reply.second() else { return [says(reply)] }
            return [says(reply), says(second)]
        }
        let first = "a r s 60 expiresIn -"
        for (user, second) in [
            (#"{"id":"U"}"#, []), ("null", []), (#"{"access_token":""}"#, []),
            (#"{"access_token":7}"#, []),
            (#"{"access_token":"b\/","scope":"t"}"#, ["b/ - - - unknown -"]),
        ] {
            let members =
                #""access_token":"a","refresh_token":"r","expires_in":60,"scope":"s","#
                + #""user":\#(user)}"#
            #expect(try both("{" + members) == [first] + second)
            // One that outgrows its block is reduced to what is read.
            let long = #"{"id_token":"\#(String(repeating: "j", count: 70_000))","# + members
            #expect(try both(arrive(long, rules, inPiecesOf: 4096)) == [first] + second)
        }
    }

    // MARK: -

    private func says(_ body: String, _ rules: ReplyRules) throws -> String {
        let types = BearerTypes.refresh(ProviderSetting.unknown)
        return text(
            Verdict(
                TransportReply(status: 200, body: try body.secret()), types: types, rules: rules))
    }

    private func text(_ verdict: consuming Verdict) -> String {
        switch consume verdict {
        case .tokens(let reply): return says(reply)
        case .unread(_, _, let cause): return "unread " + (cause.map { "\($0)" } ?? "nil")
        case .unreadable: return "unreadable"
        case .grantLost: return "grantLost"
        case .grantLikelyLost: return "grantLikelyLost"
        case .refused(_, let error): return "refused " + (error.map { "\($0)" } ?? "nil")
        default: return "something else"
        }
    }

    private func says(_ reply: borrowing TokenReply) -> String {
        let sentAt = Self.sentAt
        let expiry = reply.expiry(
            requestedAt: sentAt, providerLifetimeSeconds: nil, applicationLifetimeSeconds: nil)
        func seconds(_ moment: UnixTime?) -> String {
            moment.map { "\($0.milliseconds(since: sentAt) / 1000)" } ?? "-"
        }
        var refreshToken = "-"
        if let bytes = reply.refreshTokenBytes { refreshToken = bytes.publicText ?? "" }
        return "\(reply.accessTokenBytes.publicText ?? "") \(refreshToken) \(reply.scope ?? "-") "
            + "\(seconds(expiry.moment)) \(expiry.source) "
            + seconds(reply.refreshTokenExpiry(requestedAt: sentAt))
    }

    private func arrive(
        _ text: String, _ rules: ReplyRules, inPiecesOf size: Int
    ) throws -> String {
        var body = ReplyBody(in: try Secret(capacity: CurlTransfer.replyBytes), rules)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            #expect(piece.lend { body.take($0) } == .taken)
        }
        return body.take()?.exposed ?? ""
    }
}
