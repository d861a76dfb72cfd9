// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Documents as they are read, and two of them as one.
struct ServerMetadataTests {
    private static func read(
        _ text: String, at url: String = "one"
    ) throws(DiscoveryError) -> ServerMetadata {
        try read(Array(text.utf8), at: url)
    }

    private static func read(
        _ bytes: [UInt8], at url: String
    ) throws(DiscoveryError) -> ServerMetadata {
        try unsafe ServerMetadata(bytes.span.bytes, at: url)
    }

    /// Documents that are none, the member that is named, and what is said.
    static let refused: [(text: String, member: String?, words: String)] = [
        ("", nil, "is cut short"), ("{", nil, "is cut short"), ("[]", nil, "is not JSON"),
        ("null", nil, "is not JSON"), ("{\"issuer\":\"a\"", nil, "is cut short"),
        ("{\"issuer\":\"a", nil, "is cut short"), ("{issuer:\"a\"}", nil, "is not JSON"),
        ("{\"issuer\" \"a\"}", nil, "is not JSON"), ("{\"a\":1,}", nil, "is not JSON"),
        ("{\"a\":1} {\"b\":2}", nil, "behind the JSON object"),
        ("{\"a\":1}<script>", nil, "behind the JSON object"),
        ("\u{feff}{\"a\":1}", nil, "byte order mark"),
        ("{\"issuer\":\"a\",\"issuer\":\"a\"}", "issuer", "is there twice"),
        ("{\"issuer\":\"a\",\"iss\\u0075er\":\"b\"}", "issuer", "is there twice"),
        ("{\"x\":1,\"x\":2}", "x", "is there twice"),
        ("{\"token_endpoint\":7}", "token_endpoint", "is no text"),
        ("{\"token_endpoint\":[\"https://a.example\"]}", "token_endpoint", "is no text"),
        ("{\"token_endpoint\":\"\"}", "token_endpoint", "is no text"),
        ("{\"token_endpoint\":\"a\\nb\"}", "token_endpoint", "is no text"),
        ("{\"token_endpoint\":\"\\ud800\"}", "token_endpoint", "is no text"),
        (
            "{\"token_endpoint\":\"https://\(String(repeating: "a", count: 2041))\"}",
            "token_endpoint", "is no text"
        ),
        ("{\"scopes_supported\":\"a b\"}", "scopes_supported", "is no list"),
        ("{\"scopes_supported\":{\"a\":1}}", "scopes_supported", "is no list"),
        ("{\"scopes_supported\":[\"a\",7]}", "scopes_supported", "has something in it"),
        ("{\"scopes_supported\":[[\"a\"]]}", "scopes_supported", "has something in it"),
        (
            "{\"scopes_supported\":[" + String(repeating: "\"a\",", count: 4096) + "\"a\"]}",
            "scopes_supported", "has more than 4096 values"
        ),
        (
            "{\"authorization_response_iss_parameter_supported\":\"true\"}",
            "authorization_response_iss_parameter_supported", "is neither true nor false"
        ),
        (
            "{\"require_pushed_authorization_requests\":1}",
            "require_pushed_authorization_requests", "is neither true nor false"
        ),
        (
            "{\"x\":\(String(repeating: "[", count: 20))\(String(repeating: "]", count: 20))}",
            nil, "nests deeper than 16"
        ),
        (
            "{\((0...1024).map { "\"m\($0)\":1" }.joined(separator: ","))}", nil,
            "has more than 1024 members"
        ),
    ]

    @Test("what is no document is refused, and named", arguments: refused)
    func isRefused(text: String, member: String?, words: String) {
        do throws(DiscoveryError) {
            _ = try Self.read(text)
            Issue.record("accepted: \(text.prefix(80))")
        } catch {
            #expect(error.kind == .unreadable && error.place == "one", "\(error)")
            #expect(error.member == member && error.problem.contains(words), "\(error)")
        }
    }

    @Test("bytes that are not UTF-8 are refused")
    func notText() {
        let bytes: [UInt8] = Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8)
        #expect(throws: DiscoveryError.self) { try Self.read(bytes, at: "one") }
    }

    @Test("what is read, and what is passed over")
    func good() throws {
        let metadata = try Self.read(
            """
             {"issuer" : "https:\\/\\/a.example", "scopes_supported":["a","b"],
              "token_endpoint_auth_methods_supported":[], "revocation_endpoint":null,
              "authorization_response_iss_parameter_supported":true, "unknown":{"x":[1,{}]},
              "code_challenge_methods_supported":["S256","plain"]}

            """)
        #expect(metadata.text(.issuer) == "https://a.example")
        #expect(metadata.list(.scopesSupported) == ["a", "b"])
        #expect(metadata.list(.tokenEndpointAuthMethodsSupported) == nil)
        #expect(metadata.text(.revocationEndpoint) == nil)
        #expect(metadata.isTrue(.issParameterSupported))
        #expect(!metadata.isTrue(.requirePushedAuthorizationRequests))
        #expect(metadata.sources[.issuer] == ["one"])
    }

    /// Two documents, and what they come to: nil where they contradict each other.
    static let merged: [(one: String, two: String, result: String?)] = [
        ("\"token_endpoint\":\"a\"", "", "text(\"a\")"),
        ("", "\"token_endpoint\":\"a\"", "text(\"a\")"),
        ("\"token_endpoint\":\"a\"", "\"token_endpoint\":\"a\"", "text(\"a\")"),
        ("\"token_endpoint\":\"a\"", "\"token_endpoint\":\"b\"", nil),
        ("\"token_endpoint\":\"a\"", "\"token_endpoint\":\"a/\"", nil),
        ("\"token_endpoint\":null", "\"token_endpoint\":\"b\"", "text(\"b\")"),
        ("\"issuer\":\"https://a\"", "\"issuer\":\"https://a/\"", nil),
        ("\"FLAG\":true", "", "flag(true)"),
        ("\"FLAG\":true", "\"FLAG\":true", "flag(true)"),
        ("\"FLAG\":true", "\"FLAG\":false", nil),
        (
            "\"scopes_supported\":[\"a\",\"b\"]", "\"scopes_supported\":[\"b\",\"c\"]",
            "list([\"a\", \"b\", \"c\"])"
        ),
        (
            "\"grant_types_supported\":[\"a\"]", "\"grant_types_supported\":[\"b\"]",
            "list([\"a\", \"b\"])"
        ),
        (
            "\"response_types_supported\":[\"a\",\"b\"]", "\"response_types_supported\":[\"b\"]",
            "list([\"b\"])"
        ),
        (
            "\"response_types_supported\":[\"a\",\"b\"]",
            "\"response_types_supported\":[\"b\",\"a\"]",
            "list([\"a\", \"b\"])"
        ),
        ("\"response_types_supported\":[\"a\"]", "\"response_types_supported\":[\"b\"]", nil),
        (
            "\"code_challenge_methods_supported\":[\"S256\"]",
            "\"code_challenge_methods_supported\":[\"plain\"]", nil
        ),
        ("\"code_challenge_methods_supported\":[\"S256\"]", "", "list([\"S256\"])"),
    ]

    @Test("two documents are one, or contradict each other", arguments: merged)
    func isMerged(one: String, two: String, result: String?) throws {
        let flag = "authorization_response_iss_parameter_supported"
        let texts = [one, two].map { "{\($0.replacing("FLAG", with: flag))}" }
        var metadata = try Self.read(texts[0])
        let other = try Self.read(texts[1], at: "two")
        do throws(DiscoveryError) {
            try metadata.merge(other)
            #expect(metadata.values.values.map { "\($0)" } == [result])
        } catch {
            #expect(result == nil && error.kind == .contradiction, "\(error)")
            let name = error.member ?? ""
            #expect(texts.allSatisfy { $0.contains("\"\(name)\"") }, "\(error)")
            #expect(error.place == "two" && error.problem.contains(" in one"), "\(error)")
        }
    }
}
