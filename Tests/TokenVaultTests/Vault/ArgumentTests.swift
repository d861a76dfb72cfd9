// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What the platform and the callback give, and which rule it breaks.
@Suite("Arguments") struct ArgumentTests {
    private func cause(_ body: () throws(VaultError) -> Void) -> FailureCause? {
        do throws(VaultError) {
            try body()
            return nil
        } catch {
            return error.detail.cause
        }
    }

    @Test(
        "Scopes that no provider can mean are refused",
        arguments: [
            ([""], .empty), (["read", "a\nb"], .controlCharacter), (["a\u{7f}"], .controlCharacter),
            ([String(repeating: "a", count: 257)], .tooLong),
            ([String](repeating: "a", count: 65), .tooMany), (["read", "write"], nil), ([], nil),
        ] as [([String], FailureCause?)])
    func scopes(scopes: [String], expected: FailureCause?) {
        #expect(
            cause { () throws(VaultError) in try Application.check(scopes: scopes) } == expected)
    }

    @Test(
        "A redirect URI that would show the code to others, or is none, is refused",
        arguments: [
            ("http://crm.example/callback", .plainHTTP), ("HTTP://crm.example/", .plainHTTP),
            ("http://127.0.0.1.example/", .plainHTTP), ("http://localhost.example/", .plainHTTP),
            ("http://10.0.0.1/", .plainHTTP), ("http://127.0.0.1:80@a.example/", .plainHTTP),
            ("http://localhost:@a.example", .plainHTTP), ("http:127.0.0.1@a", .plainHTTP),
            ("http://localhost?@a.example", nil), ("https://a/#b", .fragment), ("", .empty),
            ("https://a/\n", .controlCharacter), ("http://127.0.0.1:8017/callback", nil),
            ("http://127.0.0.1", nil), ("http://[::1]:80/", nil), ("http://localhost/cb", nil),
            ("127.0.0.1/cb", .malformedURL), ("localhost:8017/cb", .malformedURL),
            ("crm.example/cb?to=https://a", .malformedURL), ("https:/crm", .malformedURL),
            ("https:///cb", .malformedURL), ("urn:ietf:wg:oauth:2.0:oob", nil),
            ("https://a/?state=1", .setByProvider), ("https://a/?x=1&iss", .setByProvider),
            ("https://a/?c%6fde=1", .setByProvider), ("https://a/?error=", .setByProvider),
            ("https://a/?status=1&code2=1&x=code", nil), ("https://a/code?", nil),
            ("https://crm.example/callback", nil), ("com.example.app:/callback", nil),
        ] as [(String, FailureCause?)])
    func redirectURIs(uri: String, expected: FailureCause?) {
        #expect(
            cause { () throws(VaultError) in try Application.check(redirectURI: uri) } == expected)
    }

    @Test("An id says which of its rules was broken")
    func ids() {
        func rule(_ text: String) -> FailureCause? {
            cause { () throws(VaultError) in _ = try ConnectionID(text) }
        }
        #expect(rule("") == .empty && rule("a\tb") == .controlCharacter)
        #expect(rule(String(repeating: "x", count: 256)) == .tooLong && rule("an nä") == nil)
    }

    @Test(
        "A callback says why it is none",
        arguments: [
            ("code=1", .noState), ("error=access_denied", .noState),
            ("state=a", .neitherCodeNorError), ("code=1&error=x&state=a", .codeAndError),
            ("code=1&code=2&state=a", .parameterTwice), ("code=1&state=a&state=a", .parameterTwice),
            ("code=%zz&state=a", .malformedQuery), ("code=&state=a", .malformedQuery),
            ("code=1&state=a", nil),
        ] as [(String, FailureCause?)])
    func callbacks(query: String, expected: FailureCause?) throws {
        let query = try query.secret()
        #expect(
            cause { () throws(VaultError) in _ = try Callback(query: query.bytes) } == expected)
    }

    @Test("What a callback without state says is not lost")
    func denialWithoutState() throws {
        let query = try "error=access_denied".secret()
        do throws(VaultError) {
            _ = try Callback(query: query.bytes)
            Issue.record("taken")
        } catch {
            #expect(error.code == .callbackRejected && error.detail.error == .accessDenied)
        }
    }

    @Test("A parameter that the query of an endpoint has twice is refused")
    func doubledQuery() {
        func problem(_ query: String) -> String? {
            let provider = Provider(
                name: "p", authorizationEndpoint: "https://a/authorize?\(query)",
                tokenEndpoint: "https://a/token")
            do throws(SettingError) {
                try provider.check()
                return nil
            } catch {
                return error.description
            }
        }
        #expect(
            problem("prompt=a&prompt=b")
                == "authorization_endpoint: \"prompt\" in its query is there twice: take it out of "
                + "the query")
        #expect(problem("state=1")?.contains("is set by the flow itself") == true)
        #expect(problem("prompt=a&audience=b") == nil)
    }

    @Test("A token endpoint whose query has what the request sets is refused, and a revocation's")
    func setTwice() {
        func problem(_ change: (inout Provider) -> Void) -> String? {
            var provider = Provider(
                name: "p", authorizationEndpoint: "https://a/authorize",
                tokenEndpoint: "https://a/token", revocationEndpoint: "https://a/revoke")
            change(&provider)
            do throws(SettingError) {
                try provider.check()
                return nil
            } catch {
                return error.description
            }
        }
        for name in Provider.reservedTokenParameters {
            let text = problem { $0.tokenEndpoint += "?tenant=1&\(name)=x" }
            #expect(text?.hasPrefix("token_endpoint: \"\(name)\" in its query") == true)
            let other = problem { $0.revocationEndpoint? += "?\(name)" }
            #expect(other?.hasPrefix("revocation_endpoint: \"\(name)\" in its query") == true)
        }
        #expect(problem { $0.tokenEndpoint += "?grant%5Ftype=x" } != nil)
        #expect(problem { $0.tokenEndpoint += "?tenant=token&p=%zz" } == nil)
        let added = problem {
            $0.tokenEndpoint += "?audience=x"
            $0.tokenParameters = [Provider.Parameter("audience", "y")]
        }
        #expect(added?.contains("is among token_parameters, too") == true)
        let presented = problem {
            $0.tokenEndpoint += "?now=x"
            $0.refreshGrant = .exchange(grantType: "ex", parameter: "now")
        }
        #expect(presented?.contains("refresh_grant") == true)
    }

    @Test(
        "A client secret that is no printable ASCII is refused",
        arguments: [
            ("secret ~!", nil), ("\u{feff}secret", .wrongCharacter),
            ("s\u{0}e\u{0}c", .wrongCharacter), ("sec\tret", .wrongCharacter),
            ("sec\nret", .wrongCharacter), ("sec\u{a0}ret", .wrongCharacter),
        ] as [(String, FailureCause?)])
    func clientSecrets(text: String, expected: FailureCause?) async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        defer { vault.close() }
        let application = Application(
            id: try ApplicationID("app"),
            provider: Provider(
                name: "p", authorizationEndpoint: "https://a.example/authorize",
                tokenEndpoint: "https://a.example/token"),
            clientID: "client", clientSecret: try Secret(text: text),
            redirectURI: "https://b.example/callback")
        do throws(VaultError) {
            try await vault.put(application)
            #expect(expected == nil)
        } catch {
            #expect(error.code == .invalidArgument && error.detail.cause == expected)
            #expect(error.detail.subject == .clientSecret)
        }
    }
}

/// The file of certificates, looked at when the vault is opened.
@Suite("Certificate files") struct CertificateFileTests {
    private static let system = "/etc/ssl/certs/ca-certificates.crt"

    private func cause(_ text: String) throws -> FailureCause? {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "certificates-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        do {
            try CertificateFile.check(file.path)
            return nil
        } catch {
            return error.detail.cause
        }
    }

    private func first() throws -> [Substring] {
        let text = try String(contentsOfFile: Self.system, encoding: .utf8)
        let lines = text.split(separator: "\n")
        let end = try #require(lines.firstIndex { $0.hasPrefix("-----END") })
        return Array(lines[...end])
    }

    @Test("What the system comes with is whole")
    func system() throws {
        try CertificateFile.check(Self.system)
        #expect(try cause(first().joined(separator: "\r\n") + "\r\n") == nil)
        #expect(try cause("a comment\n" + first().joined(separator: "\n")) == nil)
    }

    @Test("A certificate that lost a line, its end or a character is damaged")
    func damaged() throws {
        let lines = try first()
        var short = lines
        short.remove(at: 3)
        var cut = lines
        cut.removeLast()
        var changed = lines
        changed[3] = "*" + changed[3].dropFirst()
        for lines in [short, cut, changed, lines + cut] {
            #expect(try cause(lines.joined(separator: "\n") + "\n") == .damagedCertificate)
        }
        #expect(try cause("hello\n") == .noCertificate)
    }
}
