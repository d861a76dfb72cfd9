// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a device authorization endpoint may answer, and what of it people are shown.
@Suite("Answers with a device code") struct DeviceAnswerTests {
    static let whole = [
        "device_code": #""GmRh""#, "user_code": #""WDJB-MJHT""#,
        "verification_uri": #""https://example.com/device""#, "expires_in": "1800",
    ]

    static func body(_ changes: [String: String?] = [:]) -> String {
        var members = whole
        for (name, value) in changes { members[name] = value }
        let list = members.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }
        return "{" + list.joined(separator: ",") + "}"
    }

    static func answer(
        _ body: String, status: Int = 200, isForm: Bool = false, lifetime: Int64? = nil
    ) throws -> DeviceAnswer {
        DeviceAnswer(
            TransportReply(status: status, body: try body.secret(), isForm: isForm),
            lifetimeSeconds: lifetime)
    }

    static func codes(
        _ body: String, isForm: Bool = false, lifetime: Int64? = nil
    ) throws -> DeviceReply? {
        guard case .codes(let reply) = try answer(body, isForm: isForm, lifetime: lifetime) else {
            return nil
        }
        return reply
    }

    static func failure(_ body: String, status: Int = 200) throws -> VaultError? {
        try failure(of: answer(body, status: status))
    }

    static func failure(of answer: DeviceAnswer) -> VaultError? {
        if case .failed(let error) = answer { error } else { nil }
    }

    @Test("What RFC 8628 has, and its defaults")
    func standard() throws {
        let reply = try #require(
            try Self.codes(
                Self.body([
                    "verification_uri_complete": #""https:\/\/example.com\/device?c=1""#,
                    "interval": "7",
                ])))
        #expect(reply.code.exposed == "GmRh" && reply.userCode == "WDJB-MJHT")
        #expect(reply.verificationURI == "https://example.com/device")
        #expect(reply.verificationURIComplete == "https://example.com/device?c=1")
        #expect(reply.lifetimeSeconds == 1800 && reply.intervalSeconds == 7)
        let plain = try #require(try Self.codes(Self.body()))
        #expect(plain.intervalSeconds == 5 && plain.verificationURIComplete == nil)
    }

    @Test("Google's old name, GitHub's form, Salesforce's missing lifetime")
    func variants() throws {
        let google = try Self.codes(
            Self.body(["verification_uri": nil, "verification_url": #""https://g.example/d""#]))
        #expect(google?.verificationURI == "https://g.example/d")
        let form =
            "device_code=3584d83&expires_in=899&interval=5&user_code=WDJB-MJHT"
            + "&verification_uri=https%3A%2F%2Fgithub.com%2Flogin%2Fdevice"
        let github = try #require(try Self.codes(form, isForm: true))
        #expect(github.verificationURI == "https://github.com/login/device")
        #expect(github.code.exposed == "3584d83" && github.lifetimeSeconds == 899)
        let none = Self.body(["expires_in": nil])
        #expect(try Self.codes(none, lifetime: 600)?.lifetimeSeconds == 600)
        #expect(try Self.failure(none)?.detail.cause == .missing)
    }

    @Test(
        "Numbers are believed within limits",
        arguments: [
            ("expires_in", "99999999999999999999", 3600, 5), ("expires_in", "\"60\"", 60, 5),
            ("interval", "100000", 1800, 60), ("interval", "0", 1800, 1),
            ("interval", "-5", 1800, 5), ("interval", "\"x\"", 1800, 5),
            ("interval", "9223372036854775808", 1800, 60),
        ] as [(String, String, Int64, Int64)])
    func numbers(_ name: String, _ value: String, _ lifetime: Int64, _ interval: Int64) throws {
        let reply = try #require(try Self.codes(Self.body([name: value])))
        #expect(reply.lifetimeSeconds == lifetime && reply.intervalSeconds == interval)
    }

    static let long = String(repeating: "x", count: 2048)

    /// What is refused, and for which reason.
    static let hostile: [(changes: [String: String?], cause: FailureCause)] = [
        (["device_code": nil], .missing), (["device_code": "\"\""], .missing),
        (["device_code": "7"], .tokenNotText), (["device_code": #""a\u001bb""#], .tokenNotText),
        (["device_code": "\"" + String(repeating: "x", count: 4097) + "\""], .tooLong),
        (["user_code": nil], .missing), (["user_code": "[]"], .missing),
        (["user_code": "\"\""], .wrongCharacter),
        (["user_code": #""AB\u001b[2J""#], .wrongCharacter),
        (["user_code": #""AB\nCD""#], .wrongCharacter), (["user_code": "\"ÄÖ\""], .wrongCharacter),
        (["user_code": #""AB\u202e""#], .wrongCharacter),
        (["user_code": "\"" + String(repeating: "A", count: 65) + "\""], .tooLong),
        (["verification_uri": nil], .missing),
        (["verification_uri": "\"javascript:alert(1)\""], .malformedURL),
        (["verification_uri": "\"http://example.com/device\""], .notHTTPS),
        (["verification_uri": "\"ftp://example.com/device\""], .notHTTPS),
        (["verification_uri": "\"https://bank.example@evil.example/\""], .userInformation),
        (["verification_uri": #""https://example.com/\u001b]8;;""#], .wrongCharacter),
        (["verification_uri": "\"//example.com\""], .malformedURL),
        (["verification_uri": "\"https://e.example/\(Self.long)\""], .tooLong),
        (["expires_in": nil], .missing), (["expires_in": "0"], .missing),
        (["expires_in": "-1"], .missing), (["expires_in": "\"soon\""], .missing),
    ]

    @Test("What cannot be meant, or is not to be shown, is refused", arguments: hostile.indices)
    func refused(_ index: Int) throws {
        let (changes, cause) = Self.hostile[index]
        let error = try #require(try Self.failure(Self.body(changes)), "\(changes.keys)")
        #expect(error.code == .providerAnswerUnreadable && error.detail.cause == cause)
        #expect(error.detail.subject == .deviceAuthorizationEndpoint)
    }

    @Test("A complete address that is not to be shown is left out; plain http is for loopback")
    func addresses() throws {
        for uri in ["javascript:alert(1)", "http://example.com", "https://a@b.example"] {
            let reply = try Self.codes(Self.body(["verification_uri_complete": "\"\(uri)\""]))
            #expect(reply != nil && reply?.verificationURIComplete == nil, "\(uri)")
        }
        for uri in ["http://127.0.0.1:8080/device", "http://[::1]/d", "https://10.0.0.1/d"] {
            #expect(
                try Self.codes(Self.body(["verification_uri": "\"\(uri)\""]))?.verificationURI
                    == uri)
        }
    }

    @Test("No member that is read may be there twice")
    func twice() throws {
        for name in Self.whole.keys {
            let body = Self.body().dropLast() + ",\"\(name)\":\(Self.whole[name] ?? "")}"
            #expect(try Self.failure(String(body))?.detail.cause == .memberTwice, "\(name)")
        }
    }

    @Test("Refusals say what the provider says")
    func refusals() throws {
        let named = try Self.failure(#"{"error":"unauthorized_client"}"#, status: 400)
        #expect(named?.code == .applicationMisconfigured)
        #expect(named?.providerError == .unauthorizedClient)
        #expect(try Self.failure(#"{"error":"invalid_scope"}"#)?.code == .providerRefused)
        #expect(try Self.failure("{}", status: 503)?.code == .providerBusy)
        #expect(try Self.failure("<p>", status: 200)?.code == .providerAnswerUnreadable)
        #expect(try Self.failure("", status: 404)?.code == .providerRefused)
        let tokens = #"{"access_token":"a","token_type":"Bearer"}"#
        #expect(try Self.failure(tokens)?.code == .providerAnswerUnreadable)
        let lost = DeviceAnswer(
            TransportReply(failure: .unreachable(curlCode: 7)), lifetimeSeconds: nil)
        #expect(Self.failure(of: lost)?.code == .providerUnreachable)
        #expect(Self.failure(of: lost)?.number == 7)
    }

    @Test("An answer that was reduced for its length is refused, and nothing crashes")
    func long() throws {
        let long = String(repeating: "x", count: 60_000)
        #expect(try Self.failure(Self.body(["user_code": "\"\(long)\""])) != nil)
        let reply = try #require(try Self.codes(Self.body(["other": "\"\(long)\""])))
        #expect(reply.userCode == "WDJB-MJHT")
    }

    @Test("Whatever an answer is cut to, it is refused or whole")
    func cut() throws {
        let body = Self.body(["interval": "5"])
        for count in 0..<body.utf8.count {
            #expect(try Self.codes(String(body.prefix(count))) == nil, "\(count)")
        }
    }
}
