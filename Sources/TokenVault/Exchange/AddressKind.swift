// SPDX-License-Identifier: Apache-2.0

/// What kind of network an IP address belongs to (IANA special-purpose registries, RFC 6890).
enum AddressKind: Hashable {
    /// The public internet.
    case open
    /// This machine: 127.0.0.0/8 and ::1.
    case loopback
    /// An organisation's own network.
    case onSite
    /// No place for a provider: unspecified, link-local (cloud metadata services), multicast
    /// or reserved, or an IPv4 address written as IPv6 in a way that nobody needs.
    case never

    /// Why a URL with such an address for its host is refused.
    var refusal: FailureCause {
        switch self {
        case .loopback: .loopbackAddress
        case .onSite: .privateAddress
        case .never, .open: .unusableAddress
        }
    }

    /// Classifies 4 or 16 bytes in network order; any other length is `never`.
    init(address: RawSpan) {
        switch address.byteCount {
        case 4:
            self.init(version4: address.integer(at: 0, as: UInt32.self).byteSwapped)
        case 16:
            self.init(
                high: address.integer(at: 0, as: UInt64.self).byteSwapped,
                low: address.integer(at: 8, as: UInt64.self).byteSwapped)
        default: self = .never
        }
    }

    private init(version4 address: UInt32) {
        for (network, bits, kind) in Self.networks4 where (address ^ network) >> (32 - bits) == 0 {
            self = kind
            return
        }
        self = .open
    }

    private init(high: UInt64, low: UInt64) {
        // ::ffff:0:0/96, an IPv4 address written as IPv6, is judged as the IPv4 address.
        if high == 0, low >> 32 == 0xffff {
            self.init(version4: UInt32(truncatingIfNeeded: low))
            return
        }
        if high == 0, low == 1 {
            self = .loopback
            return
        }
        // ::/96 (unspecified, IPv4-compatible), ::ffff:0:0:0/96, 64:ff9b::/96 (NAT64).
        let upper32OfLow = low >> 32
        if high == 0, upper32OfLow == 0 || upper32OfLow == 0xffff_0000 {
            self = .never
            return
        }
        if high == 0x0064_ff9b_0000_0000, upper32OfLow == 0 {
            self = .never
            return
        }
        for (network, bits, kind) in Self.networks6 where (high ^ network) >> (64 - bits) == 0 {
            self = kind
            return
        }
        self = .open
    }

    private static let networks4: [(network: UInt32, bits: UInt32, kind: AddressKind)] = [
        (0x0000_0000, 8, .never),  // 0.0.0.0/8, this network
        (0x0a00_0000, 8, .onSite),  // 10.0.0.0/8
        (0x6440_0000, 10, .onSite),  // 100.64.0.0/10, shared address space
        (0x7f00_0000, 8, .loopback),  // 127.0.0.0/8
        (0xa9fe_0000, 16, .never),  // 169.254.0.0/16, link-local
        (0xac10_0000, 12, .onSite),  // 172.16.0.0/12
        (0xc000_0000, 24, .never),  // 192.0.0.0/24, protocol assignments
        (0xc0a8_0000, 16, .onSite),  // 192.168.0.0/16
        (0xc612_0000, 15, .never),  // 198.18.0.0/15, benchmarking
        (0xe000_0000, 4, .never),  // 224.0.0.0/4, multicast
        (0xf000_0000, 4, .never),  // 240.0.0.0/4, reserved and broadcast
    ]

    // The upper half of the address decides.
    private static let networks6: [(network: UInt64, bits: UInt64, kind: AddressKind)] = [
        (0x0064_ff9b_0001_0000, 48, .never),  // 64:ff9b:1::/48, local NAT64
        (0x2001_0000_0000_0000, 32, .never),  // 2001::/32, Teredo
        (0x2002_0000_0000_0000, 16, .never),  // 2002::/16, 6to4
        (0xfc00_0000_0000_0000, 7, .onSite),  // fc00::/7, unique local
        (0xfe80_0000_0000_0000, 10, .never),  // fe80::/10, link-local
        (0xfec0_0000_0000_0000, 10, .never),  // fec0::/10, site-local, deprecated
        (0xff00_0000_0000_0000, 8, .never),  // ff00::/8, multicast
    ]
}
