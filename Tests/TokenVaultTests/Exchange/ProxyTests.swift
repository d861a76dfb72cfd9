// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

@Suite("The proxy", .serialized)
struct ProxyTests {
    private static let secrets = ["s3cret-bearer", "refresh_token=r1", "User-Agent", "Accept"]

    private func transport(
        _ proxy: Proxy, caFile: String? = nil, resolved: [String] = []
    ) throws -> CurlTransport {
        var settings = CurlTransport.Settings(
            caFile: caFile, allowsLoopbackHTTP: true, proxy: proxy)
        if !resolved.isEmpty { settings.resolved = HeaderList(lines: resolved) }
        return try CurlTransport(settings: settings)
    }

    @Test("leads to a provider that it resolves, and sees no more than its host and port")
    func tunnel() throws {
        let server = try TLSServer(.wrongHost)
        let proxy = try ConnectProxy(to: server.port)
        let transport = try transport(Proxy(proxy.url), caFile: server.caFile)
        defer { transport.close() }
        for _ in 0..<2 {
            let reply = try transport.answer(
                "https://elsewhere.example/token", authorization: "Bearer s3cret-bearer")
            #expect(reply.failure == nil && reply.status == 200)
            #expect(reply.body == "{\"tls\":1}")
            // What the proxy said is not the provider's.
            #expect(reply.retryAfterSeconds == nil)
        }
        #expect(proxy.seen.hasPrefix("CONNECT elsewhere.example:443 HTTP/1.1\r\n"))
        for secret in Self.secrets { #expect(!proxy.seen.contains(secret), "\(secret)") }
        #expect(!proxy.seen.contains("Authorization"))
        // The connection is kept.
        #expect(proxy.connectCount == 1)
    }

    @Test("has no say in whose certificate is trusted")
    func endToEnd() throws {
        let server = try TLSServer(.wrongHost)
        let proxy = try ConnectProxy(to: server.port)
        let transport = try transport(Proxy(proxy.url), caFile: server.caFile)
        defer { transport.close() }
        let other = try transport.answer("https://another.example/token")
        #expect(other.failure == .untrusted(verifyResult: 1))
        let plain = try ScriptedServer { _ in .reply() }
        defer { plain.stop() }
        let downgrading = try ConnectProxy(to: plain.port)
        let second = try self.transport(Proxy(downgrading.url), caFile: server.caFile)
        defer { second.close() }
        let failure = try second.answer(
            "https://elsewhere.example/token", deadlineMilliseconds: 500
        ).failure
        // It waits for a request, and gets none in the clear.
        #expect(failure == .unreachable(curlCode: 28))
        #expect(plain.requestCount == 0)
    }

    @Test(
        "that refuses is told apart from the provider", arguments: [400, 403, 404, 407, 502, 503])
    func refuses(status: Int) throws {
        let proxy = try ConnectProxy(.answers(status))
        let transport = try transport(Proxy(proxy.url))
        defer { transport.close() }
        let reply = try transport.answer(
            "https://elsewhere.example/token", authorization: "Bearer s3cret-bearer")
        #expect(reply.failure == .proxyFailed(number: status))
        #expect(reply.retryAfterSeconds == nil)
        for secret in Self.secrets { #expect(!proxy.seen.contains(secret), "\(secret)") }
        #expect(proxy.connectCount == 1)
    }

    @Test("that is not there, hangs up or hangs is so, too")
    func fails() throws {
        func failure(_ url: String, milliseconds: Int = 5000) throws -> TransportReply.Failure? {
            let transport = try transport(Proxy(url))
            defer { transport.close() }
            return try transport.answer(
                "https://elsewhere.example/token", deadlineMilliseconds: milliseconds
            ).failure
        }
        #expect(try failure("http://127.0.0.1:\(freePort())") == .proxyFailed(number: 7))
        let closing = try ConnectProxy(.closes)
        let closed = try failure(closing.url)
        #expect([52, 56].contains { closed == .proxyFailed(number: $0) }, "\(closed as Any)")
        let hanging = try ConnectProxy(.hangs)
        #expect(try failure(hanging.url, milliseconds: 300) == .proxyFailed(number: 28))
        #expect(try failure("http://nobody.invalid:3128") == .proxyFailed(number: 5))
    }

    @Test("gets its credentials, and the provider does not")
    func credentials() throws {
        let server = try TLSServer(.wrongHost)
        let proxy = try ConnectProxy(.demands("dXNlcjpwYTpzcw=="), to: server.port)
        func answer(_ credentials: StaticString?) throws -> ReplySummary {
            let secret = try credentials.map { try Secret($0) }
            let transport = try transport(
                Proxy(proxy.url, credentials: secret), caFile: server.caFile)
            defer { transport.close() }
            return try transport.answer("https://elsewhere.example/token")
        }
        #expect(try answer(nil).failure == .proxyFailed(number: 407))
        #expect(try answer("user:wrong").failure == .proxyFailed(number: 407))
        #expect(try answer("user:pa:ss").status == 200)
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test("is named explicitly: loopback is reached without it, and NO_PROXY does not pass it by")
    func explicit() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let proxy = try ConnectProxy(.answers(403))
        let environment = try ConnectProxy(.answers(500))
        let names = ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"]
        for name in names { unsafe setenv(name, environment.url, 1) }
        for name in ["no_proxy", "NO_PROXY"] { unsafe setenv(name, "*", 1) }
        defer { for name in names + ["no_proxy", "NO_PROXY"] { unsafe unsetenv(name) } }
        let transport = try transport(
            Proxy(proxy.url), resolved: ["elsewhere.example:443:127.0.0.1"])
        defer { transport.close() }
        // One handle, there and back again.
        for _ in 0..<2 {
            #expect(try transport.answer(server.origin).status == 200)
            let reply = try transport.answer("https://elsewhere.example/token")
            #expect(reply.failure == .proxyFailed(number: 403))
        }
        #expect(proxy.connectCount == 2)
        for name in ["no_proxy", "NO_PROXY"] { unsafe unsetenv(name) }
        var settings = CurlTransport.Settings()
        settings.resolved = HeaderList(lines: ["elsewhere.example:443:10.0.0.1"])
        let without = try CurlTransport(settings: settings)
        defer { without.close() }
        let reply = try without.answer("https://elsewhere.example/token")
        #expect(reply.failure == .refused(.resolvesToPrivate))
        #expect(environment.seen.isEmpty)
    }

    @Test("is asked for nothing that a URL itself shows to be refused")
    func rules() throws {
        let proxy = try ConnectProxy(.answers(403))
        var settings = CurlTransport.Settings(proxy: try Proxy(proxy.url))
        settings.allowedNetworks = try AddressPrefix.list(["10.20.0.0/16"])
        let transport = try CurlTransport(settings: settings)
        defer { transport.close() }
        for (url, cause) in [
            ("https://10.0.0.1/", FailureCause.privateAddress),
            ("https://169.254.169.254/", .metadataAddress), ("https://[::1]/", .loopbackAddress),
            ("https://localhost/", .loopbackAddress), ("https://a.localhost/", .loopbackAddress),
            ("https://[64:ff9b::7f00:1]/", .translatedAddress), ("http://example.com/", .notHTTPS),
            ("https://example.com:22/", .refusedPort), ("http://127.0.0.1/", .loopbackAddress),
        ] {
            #expect(try transport.answer(url).failure == .refused(cause), "\(url)")
        }
        #expect(proxy.seen.isEmpty)
        #expect(try transport.answer("https://10.20.0.1/").failure == .proxyFailed(number: 403))
        #expect(proxy.seen.hasPrefix("CONNECT 10.20.0.1:443 "))
    }

    @Test("may be here or in a private network, but nowhere that no proxy can be")
    func itsAddress() throws {
        for (address, isAllowed) in [
            ("127.0.0.1", true), ("169.254.169.254", false), ("0.0.0.0", false),
            ("224.0.0.1", false), ("[fe80::1]", false), ("[64:ff9b::127.0.0.1]", false),
        ] {
            let port = try freePort()
            let transport = try transport(
                Proxy("http://proxy.example:\(port)"),
                resolved: ["proxy.example:\(port):\(address)"])
            defer { transport.close() }
            let failure = try transport.answer("https://elsewhere.example/token").failure
            #expect(failure == .proxyFailed(number: isAllowed ? 7 : 0), "\(address)")
        }
        let addressGuard = AddressGuard()
        let site = IPAddress(version4: 0x0a00_0001)
        #expect(addressGuard.refusal(of: site, for: .proxy, isResolved: true) == nil)
    }

    @Test("is http, a host and a port")
    func form() throws {
        for text in [
            "http://proxy.example:3128", "http://Proxy.Example:3128/", "HTTP://127.0.0.1:1",
            "http://[::1]:8080",
        ] { #expect(throws: Never.self, "\(text)") { try Proxy(text) } }
        #expect(try Proxy("http://Proxy.Example:3128/").url == "http://proxy.example:3128")
        for (text, cause) in [
            ("", FailureCause.malformedURL), ("proxy.example:3128", .malformedURL),
            ("https://proxy.example:3128", .malformedURL), ("http://proxy.example", .malformedURL),
            ("socks5://proxy.example:1080", .malformedURL), ("http://a:0", .malformedURL),
            ("http://a:65536", .malformedURL), ("http://a:3128/path", .malformedURL),
            ("http://a:3128?b", .malformedURL), ("http://a:3128#b", .malformedURL),
            ("http://user:pw@a:3128", .userInformation), ("http://a..b:3128", .malformedHost),
            ("http://127.1:3128", .malformedURL), ("http://a b:3128", .malformedURL),
            ("http://\(String(repeating: "a", count: 600)):1", .tooLong),
        ] {
            do throws(VaultError) {
                _ = try Proxy(text)
                Issue.record("\(text)")
            } catch {
                #expect(error.detail.cause == cause && error.detail.subject == .proxy, "\(text)")
            }
        }
        let plain: StaticString = "user"
        do throws(VaultError) {
            _ = try Proxy("http://a:1", credentials: Secret(plain))
            Issue.record("no colon")
        } catch {
            #expect(error.detail.cause == .noColon)
        }
    }
}
