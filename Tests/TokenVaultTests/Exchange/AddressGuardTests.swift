// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import TokenVault

@Suite("Where requests may go")
struct AddressGuardTests {
    static let refused: [String] = [
        // Not absolute, not https, not a URL.
        "", "/token", "example.com/token", "//example.com/token", "https", "https:", "https://",
        "https:///token", "https:example.com", "https:/example.com/token", "http://example.com/",
        "file:///etc/passwd", "gopher://example.com/", "dict://example.com/", "ftp://example.com/",
        "ldap://example.com/", "smb://example.com/", "ws://example.com/", "javascript:alert(1)",
        "http+unix://socket/", "HTTP://EXAMPLE.COM/",
        // What is written is not what is read.
        "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
        "https://example.com@evil.example/", "https://example.com#@evil.example/",
        "https://example.com/#fragment", "https://example.com\\@evil.example/",
        "https:\\\\example.com/", "https://exa\tmple.com/", "https://example.com/\n",
        "https://example.com/\r\nX-A: b", "https://example.com/a b", " https://example.com/",
        "https://example.com/\u{0}", "https://exam\u{7f}ple.com/", "https://ex%61mple.com/",
        "https://example.com%2f@evil.example/", "https://example.com:/token",
        "https://example.com:0443/", "https://ex\u{e4}mple.com/", "https://example\u{3002}com/",
        "https://{subdomain}.example.com/", "https://example.com/{tenant}/token",
        // Ports.
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:-1/",
        "https://example.com:https/", "https://example.com:99999999999/",
        // Hosts.
        "https://example.com./", "https://example..com/", "https://.example.com/",
        "https://-example.com/", "https://exa~mple.com/", "https://exam!ple.com/",
        "https://\(String(repeating: "a", count: 64)).example/",
        "https://\(Array(repeating: "a", count: 130).joined(separator: "."))/",
        "https://example.com/\(String(repeating: "a", count: 2048))",
        // Addresses in every costume.
        "https://127.0.0.1/", "http://127.0.0.1/", "https://127.1/", "https://2130706433/",
        "https://0x7f.1/", "https://0x7f000001/", "https://0177.0.0.1/", "https://017700000001/",
        "https://127.0.0.1.:443/", "https://localhost/", "https://LOCALHOST/", "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/", "https://[::]/", "https://0.0.0.0/", "https://0/",
        "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/", "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00::1]/",
        "https://[::127.0.0.1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/",
        "https://255.255.255.255/", "https://[ff02::1]/", "https://1.2.3/", "https://1.2.3.4.5/",
        "https://256.1.1.1/", "https://[::1/", "https://[]/", "https://[v1.x]/",
    ]

    static let allowed: [String] = [
        "https://example.com", "https://example.com/", "https://example.com/oauth/token",
        "https://example.com?x=1", "https://example.com/token?a=b&c=d%20e", "HTTPS://Example.COM/",
        "https://example.com:443/token", "https://example.com:8443/token", "https://example.com:2/",
        "https://example.com:65535/", "https://login.salesforce.com/services/oauth2/token",
        "https://a-b.c_d.example/", "https://xn--bcher-kva.example/", "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]:8443/token",
        "https://\(String(repeating: "a", count: 63)).example/",
    ]

    @Test("refused for service", arguments: refused)
    func refuses(url: String) {
        #expect(refusal { try AddressGuard().check(url) } == .endpointRefused)
    }

    static let causes: [(String, FailureCause)] = [
        ("http://example.com/", .notHTTPS), ("http://127.0.0.1/", .loopbackAddress),
        ("https://localhost/", .loopbackAddress), ("https://10.0.0.1/", .privateAddress),
        ("https://[fd00::1]/", .privateAddress), ("https://169.254.169.254/", .metadataAddress),
        ("https://user@example.com/", .userInformation), ("https://example.com/#a", .fragment),
        ("example.com/token", .malformedURL), ("https://127.1/", .malformedURL),
        ("https://-a.example/", .malformedHost),
    ]

    @Test("the rule that a URL breaks is named, and which endpoint's it is", arguments: causes)
    func namesTheRule(url: String, cause: FailureCause) {
        do throws(VaultError) {
            try AddressGuard().check(url, .revocationEndpoint)
            Issue.record("allowed")
        } catch {
            #expect(error.detail.cause == cause)
            #expect(error.detail.subjectName == "revocation_endpoint")
        }
    }

    @Test("allowed for service", arguments: allowed)
    func allows(url: String) throws {
        try AddressGuard().check(url)
    }

    @Test("loopback, where it is allowed, is loopback alone")
    func loopback() throws {
        let addressGuard = AddressGuard(allowsLoopback: true)
        for url in [
            "http://127.0.0.1:8080/token", "https://127.0.0.1/", "http://localhost:1/",
            "http://[::1]:8080/", "https://LocalHost/", "http://127.8.9.10/",
        ] {
            try addressGuard.check(url)
            #expect(addressGuard.target(of: url) == .loopback, "\(url)")
        }
        for url in [
            "http://example.com/", "http://10.0.0.1/", "https://10.0.0.1/", "http://127.1/",
            "http://localhost.example/", "http://[::ffff:10.0.0.1]/", "https://169.254.169.254/",
            "http://localhost:0/", "http://localhost@example.com/", "http://0.0.0.0/",
        ] {
            #expect(addressGuard.target(of: url) == nil, "\(url)")
        }
        // A name of the network that resolves to this machine, and the other way round.
        let here = IPAddress(version4: 0x7f00_0001)
        let there = IPAddress(version4: 0x0101_0101)
        func isAllowed(_ address: IPAddress, _ target: AddressGuard.Target) -> Bool {
            addressGuard.refusal(of: address, for: target, isResolved: true) == nil
        }
        #expect(!isAllowed(here, .network) && !isAllowed(there, .loopback))
        #expect(isAllowed(here, .loopback) && isAllowed(there, .network))
    }

    @Test("an organisation's own network, where it is allowed, but never link-local")
    func privateAddresses() throws {
        let addressGuard = AddressGuard(allowedNetworks: AddressPrefix.everyPrivate)
        try addressGuard.check("https://10.0.0.1/token")
        try addressGuard.check("https://[fd00::1]/token")
        for url in [
            "http://10.0.0.1/", "https://169.254.169.254/", "https://127.0.0.1/",
            "https://[fe80::1]/", "https://localhost/", "https://0.0.0.0/",
        ] {
            #expect(addressGuard.target(of: url) == nil, "\(url)")
        }
    }

    @Test("what is no address is never allowed")
    func oddLengths() {
        for count in [0, 1, 3, 5, 15, 17] {
            let bytes = [UInt8](repeating: 1, count: count)
            let isAddress = unsafe IPAddress(bytes.span.bytes) != nil
            #expect(!isAddress)
        }
        // A Unix socket, and an IPv6 address that is cut short.
        let addressGuard = AddressGuard(
            allowsLoopback: true, allowedNetworks: AddressPrefix.everyPrivate)
        for family in [AF_UNIX, AF_INET6] {
            var bytes = [UInt8](repeating: 0, count: 16)
            bytes[0] = UInt8(family)
            let refusal = unsafe addressGuard.refusal(
                socketAddress: bytes.span.bytes, for: .network)
            #expect(refusal == .resolvesToUnusable)
        }
    }
}
