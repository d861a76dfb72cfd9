// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import TokenVault

/// Where a vault connects to and where it does not, row by row, each through the code that decides:
/// URLs through the check of definitions and libcurl's own parser, templates through `URLTemplate`
/// before that, and addresses through a request whose name resolves to them. Nothing leaves this
/// machine: of an address that is allowed the socket's check is asked, and no socket is opened.
@Suite("Where a vault connects to: the table")
struct OutboundTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let way: String
        let input: String
        let expected: String
        var testDescription: String { "\(way) \(input) \(expected)" }

        /// Fields stand between " | ", so that one may begin with a space.
        static func list(_ text: String) -> [Row] {
            text.split(separator: "\n").map { line in
                let fields = line.components(" | ")
                return Row(way: fields[0], input: unescaped(fields[1]), expected: fields[2])
            }
        }

        private static func unescaped(_ text: String) -> String {
            var (result, isEscaped) = ("", false)
            for character in text {
                if isEscaped {
                    let meant: [Character: Character] = [
                        "t": "\t", "n": "\n", "r": "\r", "0": "\0",
                    ]
                    result.append(meant[character] ?? character)
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else {
                    result.append(character)
                }
            }
            for count in [63, 64, 254, 255] {
                let label = String(repeating: "a", count: count)
                result = result.components("{\(count)}").joined(separator: label)
            }
            return result
        }
    }

    static let urls = Row.list(outboundURLs)
    static let addresses = Row.list(outboundAddresses)

    static func site() throws -> AddressGuard {
        AddressGuard(
            allowedNetworks: try AddressPrefix.list([
                "10.20.0.0/16", "100.100.0.0/16", "fd12:3456::/32",
            ]),
            nat64Prefixes: try NAT64Prefix.list(["2001:db8:64::/96", "fd64:1::/48"]))
    }

    @Test func theTableIsLongEnough() {
        #expect(Self.urls.count + Self.addresses.count >= 150)
    }

    @Test(arguments: urls) func aURL(_ row: Row) throws {
        var (url, addressGuard) = (row.input, AddressGuard())
        let words = row.way.split(separator: " ").map(String.init)
        switch words[0] {
        case "practice": addressGuard = AddressGuard(allowsLoopback: true)
        case "site": addressGuard = try Self.site()
        case "template":
            let hosts = Array(words.dropFirst(2))
            guard
                let filled = try? URLTemplate(words[1])
                    .filled({ _ in row.input }, hosts: { _ in hosts })
            else {
                #expect(row.expected == "template")
                return
            }
            url = filled
        default: #expect(row.way == "setting")
        }
        var found = "allowed"
        do throws(VaultError) {
            try addressGuard.check(url, .tokenEndpoint)
        } catch {
            #expect(error.code == .endpointRefused && error.detail.subject == .tokenEndpoint)
            found = error.detail.causeName ?? "?"
        }
        #expect(found == row.expected)
    }

    /// One transport for all: a handle that was refused is used again.
    @Test func addresses() throws {
        for way in ["address", "site-address"] {
            let addressGuard = way == "address" ? AddressGuard() : try Self.site()
            let rows = Self.addresses.filter { $0.way == way }
            var settings = CurlTransport.Settings(
                allowedNetworks: addressGuard.allowedNetworks,
                nat64Prefixes: addressGuard.nat64Prefixes)
            settings.resolved = HeaderList(
                lines: rows.enumerated().map { index, row in
                    let isVersion6 = row.input.contains(":")
                    return "a\(index).example:443:" + (isVersion6 ? "[\(row.input)]" : row.input)
                })
            let transport = try CurlTransport(settings: settings)
            defer { transport.close() }
            for (index, row) in rows.enumerated() {
                let refusal = try Self.refusal(of: row.input, addressGuard)
                #expect((refusal.map { "\($0)" } ?? "allowed") == row.expected, "\(row.input)")
                guard let refusal else { continue }
                let reply = try transport.answer("https://a\(index).example/token")
                #expect(reply.failure == .refused(refusal), "\(row.input)")
            }
        }
    }

    /// What the socket's check says, of an address as the system's resolver has it.
    private static func refusal(
        of text: String, _ addressGuard: AddressGuard
    ) throws -> FailureCause? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = unsafe getaddrinfo(text, "443", &hints, &found)
        try #require(failure == 0, "\(text)")
        defer { unsafe freeaddrinfo(found) }
        guard let first = unsafe found else { return .resolvesToUnusable }
        let count = Int(unsafe first.pointee.ai_addrlen)
        let span = unsafe RawSpan(_unsafeStart: first.pointee.ai_addr, byteCount: count)
        return addressGuard.refusal(socketAddress: span, for: .network)
    }
}

extension StringProtocol {
    fileprivate func components(_ separator: String) -> [String] {
        var (parts, rest) = ([String](), Substring(self))
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
