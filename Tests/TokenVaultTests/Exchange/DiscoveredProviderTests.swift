// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Which settings come of what a server publishes.
@Suite("Providers that are discovered", .serialized)
struct DiscoveredProviderTests {
    typealias Stand = MetadataStand

    private static func discovery(_ members: String) async throws -> Discovery {
        let document = members.isEmpty ? Stand.good : Stand.good(members)
        return try await Stand.discover(document: document).get()
    }

    @Test("a document that says little: the RFC's own behaviour, and PKCE")
    func little() async throws {
        let discovery = try await Self.discovery("")
        let found = try discovery.provider()
        var wanted = Provider(
            name: "", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        wanted.issuer = discovery.issuer
        wanted.name = found.provider.name
        #expect(found.provider == wanted && found.warnings.isEmpty)
        #expect(found.provider.name.hasPrefix("127.0.0.1:"))
        #expect(found.record.documents == discovery.documents)
        #expect(try discovery.provider(named: "x").provider.name == "x")
    }

    /// Members of a document, what comes of them, and what is said.
    static let choices: [(members: String, result: String, warning: String?)] = [
        ("\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"]", "basic", nil),
        ("\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]", "post", nil),
        (
            "\"token_endpoint_auth_methods_supported\":"
                + "[\"client_secret_post\",\"client_secret_basic\",\"none\"]", "basic", nil
        ),
        ("\"code_challenge_methods_supported\":[\"S256\",\"plain\"]", "basic pkce", nil),
        ("\"code_challenge_methods_supported\":[\"plain\"]", "basic nopkce", "lacks S256"),
        ("\"code_challenge_methods_supported\":[]", "basic pkce", nil),
        (
            "\"grant_types_supported\":[\"authorization_code\"]", "basic",
            "lacks refresh_token"
        ),
        ("\"grant_types_supported\":[\"refresh_token\"]", "basic", "lacks authorization_code"),
        (
            "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"]", "basic",
            nil
        ),
        ("\"scopes_supported\":[\"openid\",\"offline_access\"]", "basic offline_access", nil),
        ("\"scopes_supported\":[\"openid\"]", "basic", nil),
        ("\"authorization_response_iss_parameter_supported\":true", "basic iss", nil),
        ("\"authorization_response_iss_parameter_supported\":false", "basic", nil),
        ("\"require_pushed_authorization_requests\":false", "basic", nil),
        ("\"response_types_supported\":[\"code id_token\",\"code\"]", "basic", nil),
        ("\"response_modes_supported\":[\"query\"]", "basic", nil),
        ("\"response_modes_supported\":[\"form_post\"]", "basic", "lacks query"),
        (
            "\"revocation_endpoint\":\"https://a.example/r\","
                + "\"revocation_endpoint_auth_methods_supported\":[\"client_secret_post\"]",
            "basic revocation=post", nil
        ),
        (
            "\"revocation_endpoint\":\"https://a.example/r\","
                + "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
                + "\"revocation_endpoint_auth_methods_supported\":[\"client_secret_basic\"]",
            "post revocation=basic", nil
        ),
        (
            "\"revocation_endpoint\":\"https://a.example/r\","
                + "\"revocation_endpoint_auth_methods_supported\":[\"client_secret_basic\"]",
            "basic", nil
        ),
        (
            "\"revocation_endpoint\":\"https://a.example/r\","
                + "\"revocation_endpoint_auth_methods_supported\":[\"private_key_jwt\"]",
            "basic", "revocations may be refused"
        ),
    ]

    @Test("what a confidential client does", arguments: choices)
    func choice(members: String, result: String, warning: String?) async throws {
        let found = try await Self.discovery(members).provider()
        let provider = found.provider
        let words = Set(result.split(separator: " ").map(String.init))
        #expect(provider.clientAuthentication == (words.contains("post") ? .post : .basic))
        #expect(provider.usesPKCE == !words.contains("nopkce"))
        #expect(provider.sendsIssuer == words.contains("iss"))
        #expect(
            provider.refreshScopes == (words.contains("offline_access") ? ["offline_access"] : []))
        let way: Provider.RevocationRequest.Authentication? =
            words.contains("revocation=post")
            ? .post : words.contains("revocation=basic") ? .basic : nil
        #expect(provider.revocation?.authentication == way)
        #expect(found.warnings.count == (warning == nil ? 0 : 1), "\(found.warnings)")
        #expect(found.warnings.allSatisfy { $0.contains(warning ?? "") }, "\(found.warnings)")
    }

    /// What the vault cannot do with, the member that is named, and the remedy.
    static let refused: [(members: String, member: String, remedy: String)] = [
        (
            "\"require_pushed_authorization_requests\":true",
            "require_pushed_authorization_requests", "not pushed"
        ),
        (
            "\"response_types_supported\":[\"token\",\"id_token\"]", "response_types_supported",
            "no authorization code flow"
        ),
        (
            "\"token_endpoint_auth_methods_supported\":[\"none\"]",
            "token_endpoint_auth_methods_supported", "--public"
        ),
        (
            "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"tls_client_auth\"]",
            "token_endpoint_auth_methods_supported", "write a definition"
        ),
        ("\"authorization_endpoint\":null", "authorization_endpoint", "to connect people"),
        ("\"token_endpoint\":null", "token_endpoint", "to connect people"),
    ]

    @Test("what the vault does not do is an error that says so", arguments: refused)
    func isRefused(members: String, member: String, remedy: String) async throws {
        // A member that is null in the place of the one that is there.
        let isAbsence = members.hasSuffix(":null")
        let end = member == "token_endpoint" ? "token" : "authorize"
        let document =
            isAbsence
            ? Stand.good.replacing("\"https://a.example/\(end)\"", with: "null")
            : Stand.good(members)
        let discovery = try await Stand.discover(document: document).get()
        do throws(DiscoveryError) {
            _ = try discovery.provider()
            Issue.record("taken: \(members)")
        } catch {
            #expect(error.kind == .unsupported && error.member == member, "\(error)")
            #expect(error.remedy.contains(remedy), "\(error)")
            #expect(error.place.hasSuffix(Stand.oauth), "\(error)")
        }
    }

    @Test("a public client authenticates by none, and is warned where that is not listed")
    func publicClient() async throws {
        let open = try await Self.discovery("\"token_endpoint_auth_methods_supported\":[\"none\"]")
            .provider(isPublic: true)
        #expect(open.provider.clientAuthentication == .none && open.warnings.isEmpty)
        let closed = try await Self.discovery(
            "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]"
        ).provider(isPublic: true)
        #expect(closed.provider.clientAuthentication == .none)
        #expect(closed.warnings.map { $0.contains("lacks none") } == [true])
    }

    @Test("scopes that are not listed are told")
    func scopes() async throws {
        let discovery = try await Self.discovery("\"scopes_supported\":[\"read\"]")
        #expect(discovery.unlisted(["read", "write"]) == ["write"])
        #expect(try await Self.discovery("").unlisted(["read"]) == [])
    }

    @Test("as well-known servers publish it", arguments: PublishedDocument.all)
    func published(_ document: PublishedDocument) async throws {
        let answer = ScriptedServer.Behaviour.reply(body: document.text)
        let discovery = try await Stand.discover(path: document.path, [document.place: answer])
            .get()
        let found = try discovery.provider()
        let provider = found.provider
        #expect(provider.clientAuthentication == document.authentication)
        #expect(provider.refreshScopes == document.refreshScopes)
        #expect(provider.sendsIssuer == document.sendsIssuer)
        #expect(provider.usesPKCE == document.usesPKCE)
        #expect(provider.revocationEndpoint == document.revocation)
        #expect(document.text.contains("\"\(provider.tokenEndpoint)\""))
        #expect(found.warnings.count == document.warnings.count, "\(found.warnings)")
        for (warning, words) in zip(found.warnings, document.warnings) {
            #expect(warning.hasPrefix(words))
        }
    }

    @Test("Microsoft's address for all tenants names no issuer: the remedy says which to use")
    func microsoft() async throws {
        let issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
        let text = Stand.good.replacing("ORIGIN", with: issuer)
        let place = "/common/v2.0\(Stand.openID)"
        let error = try await Stand.discover(path: "/common/v2.0", [place: .reply(body: text)])
            .failure
        #expect(error?.kind == .otherIssuer && error?.member == "issuer")
        #expect(error?.problem.contains(issuer) == true)
        let remedy = error?.remedy ?? ""
        #expect(remedy.contains("in the place of {tenantid}"), "\(remedy)")
    }

    @Test("a definition may not contradict the documents")
    func contradictions() async throws {
        let discovery = try await Self.discovery(
            "\"authorization_response_iss_parameter_supported\":true,"
                + "\"revocation_endpoint\":\"https://a.example/r\","
                + "\"device_authorization_endpoint\":\"https://a.example/d\"")
        let good = try discovery.provider().provider
        try discovery.check(good, values: [:])
        let changes: [(String, (inout Provider) -> Void)] = [
            ("token_endpoint", { $0.tokenEndpoint = "https://b.example/token" }),
            ("authorization_endpoint", { $0.authorizationEndpoint = "https://a.example/a" }),
            ("revocation_endpoint", { $0.revocationEndpoint = "https://a.example/r/" }),
            (
                "device_authorization_endpoint",
                { $0.deviceAuthorizationEndpoint = "https://b.example/d" }
            ),
            ("issuer", { $0.issuer = "https://b.example" }), ("issuer", { $0.issuer = nil }),
            ("authorization_response_iss_parameter_supported", { $0.sendsIssuer = false }),
        ]
        for (member, change) in changes {
            var provider = good
            change(&provider)
            do throws(DiscoveryError) {
                try discovery.check(provider, values: [:])
                Issue.record("taken: \(member)")
            } catch {
                #expect(error.kind == .contradiction && error.member == member, "\(error)")
            }
        }
        var open = good
        open.tokenEndpoint = "https://{host}/token"
        open.variables = ["host": Provider.Variable(hostSuffixes: ["example"])]
        try discovery.check(open, values: ["host": "a.example"])
        #expect(throws: DiscoveryError.self) {
            try discovery.check(open, values: ["host": "b.example"])
        }
        #expect(throws: DiscoveryError.self) { try discovery.check(open, values: [:]) }
    }

    /// A setting, what it was and is, and whether somebody has to accept it.
    static let changes: [(key: String, before: SettingValue?, after: SettingValue?, asks: Bool)] = [
        ("token_endpoint", "https://a.example/t", "https://a.example/u", true),
        ("token_endpoint", "https://a.example/t", "https://A.example/t", false),
        ("token_endpoint", "https://a.example/t", "https://b.example/t", true),
        ("token_endpoint", "https://a.example/t", "https://a.example:8443/t", true),
        ("token_endpoint", "https://a.example/t", "https://a.example.evil.example/t", true),
        ("authorization_endpoint", "https://a.example/a", "https://b.example/a", true),
        ("authorization_endpoint", "https://a.example/a", "https://a.example/b", false),
        ("refresh_endpoint", "https://a.example/r", "https://a.example/s", true),
        ("device_authorization_endpoint", "https://a.example/d", "https://a.example/e", true),
        ("device_authorization_endpoint", "https://a.example/d", nil, false),
        ("revocation_endpoint", "https://a.example/r", "https://a.example/s", true),
        ("revocation_endpoint", nil, "https://a.example/r", false),
        ("revocation_endpoint", nil, "https://b.example/r", true),
        ("revocation_endpoint", "https://a.example/r", nil, true),
        ("pkce", true, false, true), ("pkce", false, true, false),
        ("client_authentication", "basic", "post", true),
        ("refresh_scopes", [], ["offline_access"], false),
    ]

    @Test("what has to be accepted", arguments: changes)
    func isAsked(
        key: String, before: SettingValue?, after: SettingValue?, asks: Bool
    ) throws {
        let base = Provider(
            name: "x", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        let old = try before.map { try base.with(key, $0) } ?? base
        let new = try after.map { try base.with(key, $0) } ?? base
        let found = ProviderChange.all(from: old, to: new)
        #expect(found.map(\.setting) == [key])
        #expect(found.map(\.needsApproval) == [asks])
        #expect(ProviderChange.all(from: new, to: new).isEmpty)
    }

    @Test("another way of revoking has to be accepted")
    func wayOfRevoking() {
        let old = Provider(
            name: "x", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        var new = old
        var way = Provider.RevocationRequest()
        way.authentication = .post
        new.revocation = way
        for (before, after) in [(old, new), (new, old)] {
            let found = ProviderChange.all(from: before, to: after)
            #expect(found.map(\.setting) == ["revocation"])
            #expect(found.map(\.needsApproval) == [true])
        }
    }
}
