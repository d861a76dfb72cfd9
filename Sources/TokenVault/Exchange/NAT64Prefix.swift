// SPDX-License-Identifier: Apache-2.0

/// The beginning of IPv6 addresses that a NAT64 turns into IPv4 ones (RFC 6052): what such an
/// address may reach is what the IPv4 address in it may.
package struct NAT64Prefix: Hashable, Sendable {
    private let prefix: AddressPrefix

    /// `64:ff9b::/96`, which every network may use (RFC 6052 section 2.1).
    static let wellKnown = NAT64Prefix(
        prefix: AddressPrefix(address: IPAddress(version6: 0x0064_ff9b << 96), length: 96))
    /// The most that a vault is told of.
    static let countMax = 8
    /// The lengths that RFC 6052 section 2.2 defines, in bits.
    static let lengths = [32, 40, 48, 56, 64, 96]

    private init(prefix: AddressPrefix) { self.prefix = prefix }

    /// Reads one as `AddressPrefix` does.
    ///
    /// - Throws: as that; `prefixLength` for a length that is not among `lengths`,
    ///   `malformedNetwork` where it is of version 4, where bits 64 to 71, which are zero, are not,
    ///   and for loopback, link-local and multicast.
    init(_ text: String) throws(VaultError) {
        let prefix = try AddressPrefix(text, .nat64Prefix)
        func refused(_ cause: FailureCause) -> VaultError {
            VaultError(.invalidArgument, .exchange, cause, .nat64Prefix)
        }
        guard prefix.address.isVersion6, prefix.address.value >> 96 != 0,
            Self.hasZeroOctet(prefix.address),
            ![.linkLocal, .multicast].contains(AddressKind(prefix.address))
        else { throw refused(.malformedNetwork) }
        guard Self.lengths.contains(prefix.length) else { throw refused(.prefixLength) }
        self.init(prefix: prefix)
    }

    /// - Throws: as `init`; `limitExceeded`.
    static func list(_ texts: [String]) throws(VaultError) -> [Self] {
        guard texts.count <= countMax else {
            throw VaultError(.limitExceeded, .exchange, number: countMax, .tooMany, .nat64Prefix)
        }
        var prefixes: [Self] = []
        for text in texts { prefixes.append(try Self(text)) }
        return prefixes
    }

    func contains(_ address: IPAddress) -> Bool { prefix.contains(address) }

    /// The IPv4 address that an address which begins so stands for; nil where it stands for none.
    func inside(_ address: IPAddress) -> IPAddress? {
        guard Self.hasZeroOctet(address) else { return nil }
        guard prefix.length < 96 else {
            return IPAddress(version4: UInt32(truncatingIfNeeded: address.value))
        }
        // The four bytes follow the prefix, and leave out the eighth byte.
        var value: UInt32 = 0
        var index = prefix.length / 8
        for _ in 0..<4 {
            if index == 8 { index += 1 }
            value = value << 8 | UInt32(address.value >> (120 - 8 * index) & 0xff)
            index += 1
        }
        return IPAddress(version4: value)
    }

    /// Bits 64 to 71 are zero in every such address.
    private static func hasZeroOctet(_ address: IPAddress) -> Bool {
        address.value >> 56 & 0xff == 0
    }
}
