// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What a definition may say of answers: values that can never work are refused, with a remedy.
@Suite struct ReplySettingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let setting: String
        let value: SettingValue
        /// How the refusal begins; nil where there is none.
        let refusal: String?
        var testDescription: String { "\(setting): \(refusal ?? "right")" }

        init(_ setting: String, _ value: SettingValue, _ refusal: String?) {
            (self.setting, self.value, self.refusal) = (setting, value, refusal)
        }
    }

    static func text(_ text: String) -> SettingValue { SettingValue(.text(text)) }
    static func list(_ values: SettingValue...) -> SettingValue { SettingValue(.list(values)) }
    static func object(_ members: KeyValuePairs<String, SettingValue>) -> SettingValue {
        SettingValue(.object(members.map { ($0.key, $0.value) }))
    }
    static func status(_ status: Int64, _ error: String) -> SettingValue {
        object(["status": SettingValue(.number(status)), "error": text(error)])
    }
    static func code(_ member: String, _ values: SettingValue...) -> SettingValue {
        object(["member": text(member), "values": SettingValue(.list(values))])
    }

    static let members: [Row] = [
        Row("reply_members", object([:]), nil),
        Row(
            "reply_members",
            object(["access_token": text("a.b.c.d.e.f.g.h"), "scope": text("0")]), nil),
        Row("reply_members", text("data"), "\"data\" is not an object of paths for access_token"),
        Row(
            "reply_members", object(["id_token": text("x")]),
            "\"id_token\" is not one of access_token, refresh_token"),
        Row(
            "reply_members", object(["scope": text("a"), "scope": text("b")]),
            "\"scope\" is there twice: write it once"),
        Row(
            "reply_members", object(["scope": list(text("a"))]),
            "a list of 1 value is not a path such as data.access_token or items.0.id"),
        Row("reply_members", object(["scope": text("")]), "\"\" is not a path"),
        Row("reply_members", object(["scope": text("a..b")]), "\"a..b\" is not a path"),
        Row("reply_members", object(["scope": text(".a")]), "\".a\" is not a path"),
        Row("reply_members", object(["scope": text("a b")]), "\"a b\" is not a path"),
        Row("reply_members", object(["scope": text("a.*")]), "\"a.*\" is not a path"),
        Row("reply_members", object(["scope": text("ä")]), "\"ä\" is not a path"),
        Row(
            "reply_members", object(["scope": text("a.b.c.d.e.f.g.h.i")]),
            "\"a.b.c.d.e.f.g.h.i\" is not a path"),
        Row(
            "reply_members", object(["scope": text(String(repeating: "x", count: 257))]),
            "\"\(String(repeating: "x", count: 64))...\" is not a path"),
        Row("lifetime_unit", text("hours"), "\"hours\" is not seconds or milliseconds"),
        Row("lifetime_unit", text("milliseconds"), nil),
    ]

    static let codes: [Row] = [
        Row("success_code", code("code", text("0")), nil),
        Row("success_code", code("a.0", SettingValue(.number(0)), SettingValue(.flag(true))), nil),
        Row("success_code", text("code"), "\"code\" is not { member: a path, values: [...] }"),
        Row(
            "success_code", object(["member": text("code")]),
            "{ member: ... } is not { member: a path"),
        Row("success_code", code("a..b", text("0")), "\"a..b\" is not a path"),
        Row("success_code", code("a.id_token", text("0")), "\"a.id_token\" is not a path"),
        Row("success_code", code("code"), "a list of 0 values is not a list of 1 to 8 values"),
        Row("success_code", code("code", text("*")), "\"*\" is not a number, true, false, or"),
        Row("success_code", code("code", list()), "a list of 0 values is not a number"),
        Row("temporary_errors", list(text("ratelimited"), text("190")), nil),
        Row("temporary_errors", list(status(403, "none"), status(200, "invalid_grant")), nil),
        Row("temporary_errors", list(status(401, "invalid_grant"), status(400, "x")), nil),
        Row("temporary_errors", text("x"), "\"x\" is not a list of at most 16, each an error code"),
        Row(
            "temporary_errors", list(text("403")),
            "\"403\" is not an error code; for an HTTP status, or an answer that names no error, "
                + "write [{status: 403, error: none}]"),
        Row("temporary_errors", list(text("none")), "\"none\" is not an error code; for an HTTP"),
        Row("temporary_errors", list(text("invalid_grant")), "\"invalid_grant\" is not an error"),
        Row("temporary_errors", list(text("server_error")), "\"server_error\" is not an error"),
        Row("temporary_errors", list(text("slow*")), "\"slow*\" is not an error code of 1 to 64"),
        Row("temporary_errors", list(status(503, "x")), "503 is not a status of 200 to 499 other"),
        Row("temporary_errors", list(status(429, "x")), "429 is not a status"),
        Row("temporary_errors", list(status(200, "none")), "200 is not a status of 400 to 499"),
        Row(
            "temporary_errors", list(status(400, "invalid_grant")),
            "\"invalid_grant\" is not an error whose meaning with status 400 RFC 6749 leaves open"),
        Row("temporary_errors", list(status(401, "invalid_client")), "\"invalid_client\" is not"),
        Row("temporary_errors", list(status(403, "server_error")), "\"server_error\" is not"),
        Row("temporary_errors", list(status(403, "")), "\"\" is not none, or what error holds"),
        Row(
            "temporary_errors", list(object(["error": text("x")])),
            "{ error: ... } is not an error code, or { status"),
    ]

    static let captured: [Row] = [
        Row("captured_from_reply", object(["team": text("team.id"), "URL_2": text("url")]), nil),
        Row("captured_from_reply", list(list(text("b"), text("c.0"))), nil),
        Row("captured_from_reply", list(text("a")), "a list of 1 value is not names and paths"),
        Row("captured_from_reply", list(list(text("a"))), "a list of 1 value is not names and"),
        Row("captured_from_reply", text("a"), "\"a\" is not names and paths, at most 32"),
        Row("captured_from_reply", object(["a b": text("c")]), "\"a b\" is not a name of 1 to 64"),
        Row("captured_from_reply", object(["1": text("c")]), "\"1\" is not a name of 1 to 64"),
        Row("captured_from_reply", object(["": text("c")]), "\"\" is not a name of 1 to 64"),
        Row(
            "captured_from_reply", object(["a": text("b"), "a": text("c")]),
            "\"a\" is there twice: write it once"),
        Row("captured_from_reply", object(["a": text("b.")]), "\"b.\" is not a path"),
        Row(
            "captured_from_reply", object(["a": text("x.Refresh-Token")]),
            "\"x.Refresh-Token\" is the path of a secret: take it out: what is captured is shown"),
        Row("captured_from_reply", object(["a": text("id_token")]), "\"id_token\" is the path of"),
        Row(
            "captured_from_reply",
            SettingValue(.object((0...32).map { ("n\($0)", text("a")) })),
            "{ n0: ..., n1: ..., n2: ..., n3: ..., ... } is not names and paths, at"),
    ]

    @Test(arguments: members + codes + captured) func takesOrRefuses(_ row: Row) throws {
        let setting = try #require(ProviderSetting[row.setting])
        let plain = Provider(
            name: "p", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        var provider = plain
        do throws(SettingError) {
            try setting.set(&provider, to: row.value)
            #expect(row.refusal == nil)
            try provider.check()
            let shown = setting.value(of: provider)
            var again = plain
            if let shown { try setting.set(&again, to: shown) }
            #expect(again == provider)
            var restored = plain
            #expect(setting.restore(&restored, from: setting.fields(of: provider)))
            #expect(restored == provider)
        } catch {
            let refusal = row.refusal ?? "right"
            #expect(error.description.hasPrefix("\(row.setting): \(refusal)"), "\(error)")
        }
    }

    @Test func whatContradictsIsRefused() {
        func refusal(_ change: (inout Provider) -> Void) -> String {
            var provider = ProviderSettingTests.whole
            change(&provider)
            do throws(SettingError) {
                try provider.check()
                return "none"
            } catch {
                return error.description
            }
        }
        #expect(refusal { _ in } == "none")
        #expect(
            refusal { $0.replyMembers.refreshToken = "data.0.token" }
                == "reply_members: \"data.0.token\" is the path of access_token and of "
                + "refresh_token: take it out of one of them")
        #expect(
            refusal { $0.capturedFromReply = [.init("t", path: "data.0.token")] }
                == "captured_from_reply: \"data.0.token\" is the path of a token: take it out")
        #expect(
            refusal { $0.temporaryErrors = [.init(error: "190")] }
                == "temporary_errors: \"190\" is among grant_lost_errors, too: "
                + "take it out of one of them")
        #expect(
            refusal { $0.temporaryErrors = [.init(status: 400, error: nil)] }.hasPrefix(
                "temporary_errors: \"none\" is among grant_lost_answers with the same status"))
    }
}
