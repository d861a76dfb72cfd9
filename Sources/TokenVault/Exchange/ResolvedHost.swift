// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A host name that stands for an address of this machine at one port, whatever else it resolves
/// to: for tests, in which a practice server plays a provider under the provider's own name.
package struct ResolvedHost: Hashable, Sendable {
    let host: String
    let port: UInt16
    let address: String

    /// The most of them that a vault takes.
    static let countMax = 256

    /// Reads them as curl writes them (CURLOPT_RESOLVE): `HOST:PORT:ADDRESS`, one address, that of
    /// version 6 in brackets or not. What else curl takes there (`*`, `+`, `-`, several addresses)
    /// is refused.
    ///
    /// - Throws: `invalidArgument`, with the rule that one of them breaks, `limitExceeded`.
    static func list(_ texts: [String], allowsLoopback: Bool) throws(VaultError) -> [Self] {
        guard !texts.isEmpty else { return [] }
        guard texts.count <= countMax else {
            throw VaultError(.limitExceeded, .exchange, number: countMax, .tooMany, .resolve)
        }
        guard allowsLoopback else { throw refused(.loopbackAddress) }
        var hosts: [Self] = []
        for text in texts {
            let host = try Self(text)
            let isTwice = hosts.contains { $0.host == host.host && $0.port == host.port }
            guard !isTwice else { throw refused(.twice) }
            hosts.append(host)
        }
        return hosts
    }

    private init(_ text: String) throws(VaultError) {
        let parts = text.split(
            separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw Self.refused(.malformedHost) }
        host = parts[0].lowercased()
        guard AddressGuard.isName(host), !host.utf8.allSatisfy(AddressGuard.isAddressByte),
            let port = UInt16(parts[1]), port > 0, parts[1].first != "+"
        else { throw Self.refused(.malformedHost) }
        self.port = port
        var address = parts[2]
        if address.hasPrefix("["), address.hasSuffix("]") {
            address = address.dropFirst().dropLast()
        }
        let isVersion6 = address.contains(":")
        let literal = isVersion6 ? "[\(address)]" : String(address)
        guard let known = IPAddress(host: literal) else { throw Self.refused(.malformedHost) }
        guard AddressKind(known) == .loopback else { throw Self.refused(.notLoopback) }
        self.address = literal
    }

    /// As curl takes it.
    var line: String { "\(host):\(port):\(address)" }

    private static func refused(_ cause: FailureCause) -> VaultError {
        VaultError(.invalidArgument, .exchange, cause, .resolve)
    }
}
