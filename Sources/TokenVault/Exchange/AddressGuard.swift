// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Decides where requests may go: the form of an endpoint's URL first, then every address its host
/// resolves to, at the moment a socket is opened. Redirects are never followed, so that is all.
///
/// libcurl's own parser reads the URL, the one that connects (OWASP ASVS 5.0, 1.5.3). The guard
/// then insists that the URL is written as the parser understood it: no two readers may differ.
package struct AddressGuard: Sendable {
    /// Whether `127.0.0.0/8`, `[::1]` and `localhost` may be written as a host, also with `http`.
    /// For trying things out; a name that merely resolves to loopback stays refused,
    /// but for those that the vault was told of (`ResolvedHost`).
    package let allowsLoopback: Bool
    /// Which networks of an organisation's own (RFC 1918, RFC 6598, RFC 4193) a host may be in.
    /// Link-local addresses, and where cloud metadata services live, stay refused.
    package let allowedNetworks: [AddressPrefix]
    /// Which IPv6 addresses are judged by the IPv4 address in them.
    let nat64Prefixes: [NAT64Prefix]
    /// Names that stand for loopback, each with its port: allowed where loopback is.
    private let resolved: Set<String>

    /// The longest host name, in bytes (RFC 1035 section 2.3.4), without a final dot.
    static let hostBytesMax = URLTemplate.hostBytesMax
    /// The longest label of it, in bytes.
    static let labelBytesMax = 63

    /// A guard that lets only `https` to the open internet pass, but for what is allowed here.
    package init(
        allowsLoopback: Bool = false, allowedNetworks: [AddressPrefix] = [],
        nat64Prefixes: [NAT64Prefix] = [], resolved: [ResolvedHost] = []
    ) {
        self.allowsLoopback = allowsLoopback
        self.allowedNetworks = allowedNetworks
        self.nat64Prefixes = nat64Prefixes + [.wellKnown]
        self.resolved = Set(resolved.map { "\($0.host):\($0.port)" })
    }

    /// Checks an endpoint's URL: absolute, `https`, at most `Provider.endpointBytesMax` bytes of
    /// printable ASCII, no user information, no fragment, no unexpanded template, port 1 to 65535,
    /// host a name or an IP address in its usual form.
    ///
    /// - Parameter subject: which endpoint it is, for the error.
    /// - Throws: `endpointRefused`, with the rule that it breaks.
    package func check(
        _ url: String, _ subject: FailureSubject? = nil
    ) throws(VaultError) {
        if case .refused(let cause) = judge(url) {
            throw VaultError(.endpointRefused, .exchange, cause, subject)
        }
    }

    /// What the host that a connection is made to may resolve to.
    enum Target {
        /// The host is a loopback literal: only this machine.
        case loopback
        /// Only the network.
        case network
        /// It is the proxy, which whoever opened the vault has named: this machine, a network of
        /// its own, and the internet.
        case proxy
    }

    /// What becomes of a URL: where it may lead, or which rule it breaks.
    enum Judgement {
        case target(Target)
        case refused(FailureCause)
    }

    /// Nil where the URL is refused.
    func target(of url: String) -> Target? {
        if case .target(let target) = judge(url) { return target }
        return nil
    }

    func judge(_ url: String) -> Judgement {
        if url.utf8.contains(UInt8(ascii: "#")) { return .refused(.fragment) }
        guard url.utf8.count <= Provider.endpointBytesMax, url.utf8.allSatisfy(Self.isURLByte),
            let parts = Curl.parse(url)
        else {
            let authority = url.split(separator: "/", maxSplits: 2).dropFirst().first ?? ""
            return .refused(authority.contains("@") ? .userInformation : .malformedURL)
        }
        // `https://host:/`, `https://0x7f.1/`, `https://h%6fst/`, `https:/host`: all read by the
        // parser, and all written otherwise than it reads them.
        var prefix = "\(parts.scheme)://\(parts.host)"
        if let port = parts.port { prefix += ":\(port)" }
        let lowered = url.lowercased()
        guard lowered.hasPrefix(prefix.lowercased()) else { return .refused(.malformedURL) }
        let next = lowered.utf8.dropFirst(prefix.utf8.count).first
        guard next == nil || next == UInt8(ascii: "/") || next == UInt8(ascii: "?") else {
            return .refused(.malformedURL)
        }
        guard parts.port.map({ (UInt16($0) ?? 0) > 0 }) ?? true else {
            return .refused(.malformedURL)
        }
        let host = parts.host.lowercased()
        // A name that is listed is judged by its address, which is loopback.
        let port = parts.port ?? (parts.scheme == "http" ? "80" : "443")
        let isListed = !resolved.isEmpty && resolved.contains("\(host):\(port)")
        return judge(host: host, port: port, scheme: parts.scheme, isListed: isListed)
    }

    private func judge(host: String, port: String, scheme: String, isListed: Bool) -> Judgement {
        let target: Target
        if host.hasPrefix("[") || host.utf8.allSatisfy(Self.isAddressByte) {
            guard let address = IPAddress(host: host) else { return .refused(.malformedHost) }
            target = AddressKind(address) == .loopback ? .loopback : .network
            if let cause = refusal(of: address, for: target, isResolved: false) {
                return .refused(cause)
            }
        } else {
            guard Self.isName(host) else { return .refused(.malformedHost) }
            target = isListed || Self.isLoopbackName(host) ? .loopback : .network
            guard target == .network || allowsLoopback else { return .refused(.loopbackAddress) }
            guard isListed || !allowedNetworks.isEmpty || !Self.isPrivateName(host) else {
                return .refused(.privateName)
            }
        }
        guard scheme == "https" || (scheme == "http" && target == .loopback) else {
            return .refused(.notHTTPS)
        }
        guard target == .loopback || !RefusedPorts.contains(port) else {
            return .refused(.refusedPort)
        }
        return .target(target)
    }

    static func isName(_ host: String) -> Bool {
        guard host.utf8.count <= hostBytesMax else { return false }
        let labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...labelBytesMax).contains(label.count) && label.first != UInt8(ascii: "-")
                && label.last != UInt8(ascii: "-")
                && label.allSatisfy { TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: "~") }
        }
    }

    static func isAddressByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// What RFC 3986 section 2 lets stand in a URL, without the fragment's `#`.
    private static func isURLByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"),
            UInt8(ascii: "|"), UInt8(ascii: "}"):
            false
        default: (0x21...0x7e).contains(byte)
        }
    }
}
