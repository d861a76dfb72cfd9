// SPDX-License-Identifier: Apache-2.0

/// A network, written as an address, a slash and how many bits of it all addresses of the network
/// begin with (CIDR: RFC 4632 section 3.1, RFC 4291 section 2.3), such as `10.20.0.0/16`.
package struct AddressPrefix: Hashable, Sendable {
    let address: IPAddress
    /// In bits: up to 32, or up to 128.
    let length: Int

    /// The most networks that a vault is allowed.
    static let countMax = 64
    /// The networks that are an organisation's own (RFC 1918, RFC 6598, RFC 4193).
    package static let everyPrivate = [
        Self(address: IPAddress(version4: 0x0a00_0000), length: 8),
        Self(address: IPAddress(version4: 0xac10_0000), length: 12),
        Self(address: IPAddress(version4: 0xc0a8_0000), length: 16),
        Self(address: IPAddress(version4: 0x6440_0000), length: 10),
        Self(address: IPAddress(version6: 0xfc00 << 112), length: 7),
    ]

    init(address: IPAddress, length: Int) { (self.address, self.length) = (address, length) }

    /// Reads one.
    ///
    /// - Throws: `invalidArgument`, with the subject: `malformedNetwork`, and `hostBits` where a
    ///   bit is set that is behind the length, so that two networks may be meant.
    init(_ text: String, _ subject: FailureSubject) throws(VaultError) {
        func refused(_ cause: FailureCause) -> VaultError {
            VaultError(.invalidArgument, .exchange, cause, subject)
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isVersion6 = text.contains(":")
        guard parts.count == 2, (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            parts[1].utf8.count == 1 || parts[1].first != "0", let length = Int(parts[1]),
            let address = IPAddress(String(parts[0]), isVersion6: isVersion6),
            address.isVersion6 == isVersion6, length <= (isVersion6 ? 128 : 32)
        else { throw refused(.malformedNetwork) }
        self.init(address: address, length: length)
        guard address.value == (address.value >> hostLength) << hostLength else {
            throw refused(.hostBits)
        }
    }

    /// Networks that a vault is allowed: parts of private ones. What is open needs no permission;
    /// loopback has a setting of its own, and nothing else is a place for a provider.
    ///
    /// - Throws: as `init`, with the cause `notPrivate`; `limitExceeded`.
    static func list(_ texts: [String]) throws(VaultError) -> [Self] {
        guard texts.count <= countMax else {
            throw VaultError(.limitExceeded, .exchange, number: countMax, .tooMany, .allowedNetwork)
        }
        var networks: [Self] = []
        for text in texts {
            let network = try Self(text, .allowedNetwork)
            guard everyPrivate.contains(where: { $0.contains(network) }) else {
                throw VaultError(.invalidArgument, .exchange, .notPrivate, .allowedNetwork)
            }
            networks.append(network)
        }
        return networks
    }

    /// How many bits follow the prefix.
    private var hostLength: Int { (address.isVersion6 ? 128 : 32) - length }

    func contains(_ other: IPAddress) -> Bool {
        other.isVersion6 == address.isVersion6 && (other.value ^ address.value) >> hostLength == 0
    }

    private func contains(_ other: Self) -> Bool {
        other.length >= length && contains(other.address)
    }
}
