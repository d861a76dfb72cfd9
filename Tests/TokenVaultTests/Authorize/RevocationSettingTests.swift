// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The way to revoke as definitions and records have it.
@Suite struct RevocationSettingTests {
    /// A way to revoke that has no default left.
    static var whole: Provider.RevocationRequest {
        var way = Provider.RevocationRequest()
        way.method = .delete
        way.authentication = .header("X-Token")
        way.body = .json
        way.parameter = "t"
        way.sendsHint = false
        way.parameters = [.init("client_id", "{client_id}"), .init("a.b", "")]
        way.headers = [.init("X-Version", "1")]
        way.tokens = .access
        way.endsGrant = true
        way.successStatuses = [200, 204]
        way.successMember = "data.ok"
        way.successValues = ["true", "1"]
        way.goneStatuses = [401]
        way.goneErrors = ["dead"]
        way.goneMember = "message"
        way.goneValues = ["Gone"]
        return way
    }

    /// Its fields as `RecordFormat` has them.
    static var entries: [(tag: UInt16, value: [UInt8])] {
        func pair(_ name: String, _ value: String) -> [UInt8] {
            ProviderSettingTests.pair(name, value)
        }
        return [
            (65, pair("method", "delete")),
            (65, pair("authentication", "header X-Token")),
            (65, pair("body", "json")),
            (65, pair("parameter", "t")),
            (65, pair("hint", "false")),
            (65, pair("parameters.client_id", "{client_id}")),
            (65, pair("parameters.a.b", "")),
            (65, pair("headers.X-Version", "1")),
            (65, pair("tokens", "access")),
            (65, pair("ends_grant", "true")),
            (65, pair("success.statuses", "200")),
            (65, pair("success.statuses", "204")),
            (65, pair("success.member", "data.ok")),
            (65, pair("success.values", "true")),
            (65, pair("success.values", "1")),
            (65, pair("gone.statuses", "401")),
            (65, pair("gone.errors", "dead")),
            (65, pair("gone.member", "message")),
            (65, pair("gone.values", "Gone")),
        ]
    }

    /// Definitions of a way to revoke that cannot be meant, and what is said of them.
    static let wrong: [(value: SettingValue, description: String)] = [
        ("post", "revocation: \"post\" is not an object with method, authentication, body"),
        (["methode": "post"], "revocation: methode is no member of it: write one of method, "),
        (["method": "put"], "revocation: method: \"put\" is not post, delete or get"),
        (
            ["authentication": "digest"],
            "revocation: authentication: \"digest\" is not client, none, basic"
        ),
        (
            ["authentication": "header Authorization"],
            "revocation: authentication: \"header Authorization\" is not header and the name"
        ),
        (["authentication": "header a b"], "revocation: authentication: \"header a b\" is not"),
        (["body": "xml"], "revocation: body: \"xml\" is not form, json or none"),
        (["tokens": "all"], "revocation: tokens: \"all\" is not both, refresh, access or"),
        (["hint": "perhaps"], "revocation: hint: \"perhaps\" is not true or false"),
        (
            ["parameters": ["client_secret": "x"]],
            "revocation: parameters: \"client_secret\" is set by the flow itself"
        ),
        (
            ["parameters": ["token": "x"]],
            "revocation: parameters: names and values name one twice: leave it out"
        ),
        (["headers": ["Host": "x"]], "revocation: headers: \"Host\" is set by the vault itself"),
        (
            ["headers": ["X": "a\r\nb"]],
            "revocation: headers: \"a"
        ),
        (["headers": ["a:b": "x"]], "revocation: headers: \"a:b\" is not a header's name"),
        (["success": 200], "revocation: success: 200 is not an object"),
        (["success": ["status": 200]], "revocation: success.status is no member of it"),
        (["success": ["statuses": [404]]], "revocation: success.statuses: 404 is not a number"),
        (
            ["success": ["member": "ok"]],
            "revocation: success.member: \"ok\" has no value: list its values in success.values"
        ),
        (
            ["success": ["values": ["ok"]]],
            "revocation: success.values: a list are of no member: name the member"
        ),
        (["success": ["member": "a..b"]], "revocation: success.member: \"a..b\" is not a path"),
        (["gone": ["statuses": [200]]], "revocation: gone.statuses: 200 is not a number, 400 to"),
        (
            ["gone": ["statuses": [404]]],
            "revocation: gone.statuses: 404 is what a wrong revocation_endpoint is answered with"
        ),
        (["gone": ["member": "x"]], "revocation: gone.member: \"x\" has no value: list its"),
        (["gone": ["errors": [""]]], "revocation: gone.errors: \"\" is not 1 to 64 characters"),
        (
            ["authentication": "bearer", "body": "none"],
            "revocation: tokens: both goes with no authentication: bearer, which presents the "
        ),
        (
            ["method": "get"],
            "revocation: body: form would put the token into the URL of a GET: write body: none"
        ),
        (
            ["body": "none", "parameters": ["a": "b"]],
            "revocation: parameters: names and values have no body to be in: leave them out"
        ),
        (
            ["body": "none", "authentication": "post"],
            "revocation: authentication: post needs a body to be in: write basic"
        ),
        (["ends_grant": true], "revocation: ends_grant: true is said of both tokens: name in "),
    ]

    /// A wrong address answers 404 as well: what is named has to be there, all of it.
    @Test func aTokenIsDeadBeforeByAllThatIsNamed() throws {
        var way = Provider.RevocationRequest()
        (way.goneStatuses, way.goneErrors) = ([404], ["no_session"])
        (way.goneMember, way.goneValues) = ("code", ["7"])
        for (status, body, isGone) in [
            (404, #"{"error":"no_session","code":7}"#, true),
            (400, #"{"error":"no_session","code":7}"#, false),
            (404, #"{"error":"other","code":7}"#, false),
            (404, #"{"error":"no_session","code":8}"#, false), (404, "<p>not here", false),
        ] {
            let verdict = RevocationVerdict(
                TransportReply(status: status, body: try body.secret()), way)
            #expect((verdict == .alreadyGone) == isGone, "\(status) \(body)")
        }
    }

    @Test func whatCannotBeMeantIsNamed() {
        for (value, description) in Self.wrong {
            do {
                _ = try ProviderSetting.unknown.with("revocation", value)
                Issue.record("accepted: \(description)")
            } catch {
                #expect("\(error)".hasPrefix(description), "\(error)")
            }
        }
    }

    /// A definition says what differs from RFC 7009, and reads again what it says.
    @Test func whatDiffersIsShown() throws {
        let value: SettingValue = [
            "tokens": "refresh", "success": ["member": "ok", "values": ["true"]],
        ]
        let provider = try ProviderSetting.unknown.with("revocation", value)
        let shown = try #require(ProviderSetting["revocation"]?.value(of: provider))
        guard case .object(let members) = shown.content else {
            Issue.record("no object")
            return
        }
        #expect(members.map(\.name) == ["tokens", "success"])
        #expect(try ProviderSetting.unknown.with("revocation", shown) == provider)
        #expect(try ProviderSetting.unknown.with("revocation", [:]).revocation == .init())
    }
}
