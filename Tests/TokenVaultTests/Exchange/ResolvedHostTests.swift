// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

@Suite("Host names that stand for this machine")
struct ResolvedHostTests {
    private func cause(_ texts: [String], allowsLoopback: Bool = true) -> FailureCause? {
        do throws(VaultError) {
            _ = try ResolvedHost.list(texts, allowsLoopback: allowsLoopback)
            return nil
        } catch {
            #expect(error.detail.subject == .resolve)
            return error.detail.cause
        }
    }

    @Test("are read as curl writes them")
    func read() throws {
        let texts = ["Login.Example.com:443:127.0.0.1", "a.b:8443:::1", "c.d:1:[::1]"]
        let hosts = try ResolvedHost.list(texts, allowsLoopback: true)
        #expect(
            hosts.map(\.line)
                == ["login.example.com:443:127.0.0.1", "a.b:8443:[::1]", "c.d:1:[::1]"])
    }

    @Test(
        "what is none is refused, with the rule",
        arguments: [
            ("", FailureCause.malformedHost), ("a.b", .malformedHost), ("a.b:443", .malformedHost),
            ("a.b:0:127.0.0.1", .malformedHost), ("a.b:65536:127.0.0.1", .malformedHost),
            ("a.b:+1:127.0.0.1", .malformedHost), ("*:443:127.0.0.1", .malformedHost),
            ("+a.b:443:127.0.0.1", .malformedHost), ("-a.b:443", .malformedHost),
            ("127.0.0.1:443:127.0.0.1", .malformedHost), (":443:127.0.0.1", .malformedHost),
            ("a.b:443:127.0.0.1,127.0.0.2", .malformedHost), ("a.b:443:", .malformedHost),
            ("a.b:443:localhost", .malformedHost), ("a.b:443:10.0.0.1", .notLoopback),
            ("a.b:443:1.1.1.1", .notLoopback), ("a.b:443:169.254.169.254", .notLoopback),
            ("a.b:443:[2606:4700:4700::1111]", .notLoopback), ("a.b:443:0.0.0.0", .notLoopback),
        ])
    func refused(text: String, expected: FailureCause) {
        #expect(cause([text]) == expected, "\(text)")
    }

    @Test("one name twice, too many, and any where loopback is not allowed are refused")
    func limits() {
        #expect(cause(["a.b:443:127.0.0.1", "A.b:443:127.0.0.2"]) == .twice)
        #expect(cause(["a.b:443:127.0.0.1", "a.b:444:127.0.0.1"]) == nil)
        let many = (0...ResolvedHost.countMax).map { "a\($0).b:443:127.0.0.1" }
        #expect(cause(many) == .tooMany)
        #expect(cause(["a.b:443:127.0.0.1"], allowsLoopback: false) == .loopbackAddress)
        #expect(cause([], allowsLoopback: false) == nil)
    }

    @Test("are judged by their address, at their port only")
    func judged() throws {
        let hosts = try ResolvedHost.list(["a.b:443:127.0.0.1"], allowsLoopback: true)
        let addressGuard = AddressGuard(allowsLoopback: true, resolved: hosts)
        #expect(addressGuard.target(of: "https://a.b/token") == .loopback)
        #expect(addressGuard.target(of: "https://A.B:443/token") == .loopback)
        #expect(addressGuard.target(of: "https://a.b:444/token") == .network)
        #expect(addressGuard.target(of: "https://other.b/token") == .network)
        #expect(addressGuard.target(of: "http://a.b/token") == nil)
        let strict = AddressGuard(resolved: hosts)
        #expect(strict.target(of: "https://a.b/token") == nil)
    }

    @Test("are connected to there, and their certificate is checked by their own name")
    func connected() throws {
        let server = try TLSServer(.wrongHost)
        func answer(_ host: String) throws -> TransportReply.Failure? {
            let hosts = try ResolvedHost.list(
                ["\(host):\(server.port):127.0.0.1"], allowsLoopback: true)
            let transport = try CurlTransport(
                settings: .init(
                    caFile: server.caFile, allowsLoopbackHTTP: true, resolved: hosts))
            defer { transport.close() }
            return try transport.answer("https://\(host):\(server.port)/token").failure
        }
        #expect(try answer("elsewhere.example") == nil)
        #expect(try answer("another.example") == .untrusted(verifyResult: 1))
    }

    @Test("are an argument of the vault")
    func opening() throws {
        let home = try TestVault()
        try home.create()
        do {
            _ = try home.open { $0.resolve = ["a.b:443:192.0.2.1"] }
            Issue.record("opened")
        } catch let error as VaultError {
            #expect(error.code == .invalidArgument)
            #expect(error.detail.cause == .notLoopback)
        }
        // Nothing holds it any more.
        try home.open { $0.resolve = ["a.b:443:127.0.0.1"] }.close()
    }
}
