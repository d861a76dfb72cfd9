// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// What a name leads to where it has several addresses, or others than before; and what a request
/// never follows.
@Suite("Where a vault connects to: names", .serialized)
struct OutboundWayTests {
    /// A transport to which `name.example` is a name of this machine, with these addresses.
    private func transport(_ addresses: String, port: Int) throws -> CurlTransport {
        let hosts = try ResolvedHost.list(
            ["name.example:\(port):127.0.0.1"], allowsLoopback: true)
        var settings = CurlTransport.Settings(allowsLoopbackHTTP: true, resolved: hosts)
        settings.resolved = HeaderList(lines: ["name.example:\(port):\(addresses)"])
        return try CurlTransport(settings: settings)
    }

    @Test(
        "one that is allowed, among others that are not, is connected to",
        arguments: [
            "127.0.0.1", "10.0.0.1,127.0.0.1", "127.0.0.1,10.0.0.1",
            "10.0.0.1,169.254.169.254,127.0.0.1", "[fd00::1],[fe80::1],127.0.0.1,10.0.0.1",
            "[64:ff9b::10.0.0.1],127.0.0.1", "198.18.0.1,224.0.0.1,0.0.0.0,127.0.0.1",
        ])
    func oneAmongOthers(addresses: String) throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let transport = try transport(addresses, port: server.port)
        defer { transport.close() }
        #expect(try transport.answer("https://name.example:\(server.port)/").failure != nil)
        // It speaks no TLS, but it was reached.
        #expect(server.connectionCount == 1)
    }

    @Test("where none is, the rule of the first is named")
    func noneOfThem() throws {
        for (addresses, cause) in [
            ("10.0.0.1,169.254.169.254", FailureCause.resolvesToPrivate),
            ("169.254.169.254,10.0.0.1", .resolvesToMetadata),
            ("[fe80::1],10.0.0.1", .resolvesToLinkLocal),
        ] {
            let transport = try transport(addresses, port: 4443)
            defer { transport.close() }
            let reply = try transport.answer("https://name.example:4443/")
            #expect(reply.failure == .refused(cause), "\(addresses)")
        }
    }

    @Test("one that is allowed and does not answer is unreachable, not refused")
    func unreachable() throws {
        let port = try freePort()
        let transport = try transport("10.0.0.1,127.0.0.1", port: port)
        defer { transport.close() }
        let reply = try transport.answer("https://name.example:\(port)/")
        #expect(reply.failure == .unreachable(curlCode: 7))
    }

    @Test("a name that passed the check, and leads here when it is connected to, is refused")
    func rebinding() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let url = "https://name.example:\(server.port)/"
        // Nobody asks what it resolves to until then.
        try AddressGuard().check(url)
        for allowsLoopback in [false, true] {
            var settings = CurlTransport.Settings(allowsLoopbackHTTP: allowsLoopback)
            settings.resolved = HeaderList(lines: ["name.example:\(server.port):127.0.0.1"])
            let transport = try CurlTransport(settings: settings)
            defer { transport.close() }
            #expect(try transport.answer(url).failure == .refused(.resolvesToLoopback))
        }
        #expect(server.connectionCount == 0)
    }

    @Test("neither .netrc nor a cookie goes into a request")
    func nothingOfTheUsers() throws {
        let home = "/tmp/tokenvault-home-\(getpid())"
        unsafe mkdir(home, 0o700)
        let file = "\(home)/.netrc"
        let descriptor = unsafe open(file, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        let text = "machine 127.0.0.1 login somebody password secret\n"
        let written = unsafe write(descriptor, text, text.utf8.count)
        #expect(written == text.utf8.count)
        close(descriptor)
        let before = unsafe getenv("HOME").flatMap { unsafe String(validatingCString: $0) }
        unsafe setenv("HOME", home, 1)
        defer {
            if let before { unsafe setenv("HOME", before, 1) } else { unsafe unsetenv("HOME") }
            unsafe unlink(file)
            unsafe rmdir(home)
        }
        let heads = Monitor<[String]>([])
        let witness = try ScriptedServer { request in
            heads.withLock { $0.append(request.head) }
            return .reply(headers: ["Set-Cookie: a=b; Path=/"])
        }
        defer { witness.stop() }
        let transport = try CurlTransport.forTests()
        defer { transport.close() }
        for _ in 0..<2 { #expect(try transport.answer(witness.origin).status == 200) }
        let seen = heads.withLock { $0 }
        #expect(seen.count == 2)
        #expect(seen.allSatisfy { !$0.contains("Authorization") && !$0.contains("Cookie") })
    }
}
