// SPDX-License-Identifier: Apache-2.0

/// What kind of network an IP address belongs to, by IANA's special-purpose registries (RFC 6890):
/// what is not globally reachable there is not open, nor is what is no global unicast.
enum AddressKind: Hashable, Sendable {
    /// The public internet.
    case open
    /// This machine: 127.0.0.0/8 and ::1.
    case loopback
    /// An organisation's own network.
    case onSite
    /// Good on one link only.
    case linkLocal
    /// Where the machines of a cloud provider get their credentials from.
    case metadata
    /// A group of machines.
    case multicast
    /// No place for a provider: unspecified, reserved, for documentation or benchmarks, or an IPv4
    /// address written as IPv6 in a way that nobody needs.
    case reserved

    /// Why a URL with such an address for its host is refused.
    var refusal: FailureCause {
        switch self {
        case .loopback: .loopbackAddress
        case .onSite: .privateAddress
        case .linkLocal: .linkLocalAddress
        case .metadata: .metadataAddress
        case .multicast: .multicastAddress
        case .reserved, .open: .unusableAddress
        }
    }

    /// Why a socket to such an address is.
    var resolvedRefusal: FailureCause {
        switch self {
        case .loopback: .resolvesToLoopback
        case .onSite: .resolvesToPrivate
        case .linkLocal: .resolvesToLinkLocal
        case .metadata: .resolvesToMetadata
        case .multicast: .resolvesToMulticast
        case .reserved, .open: .resolvesToUnusable
        }
    }

    /// The kind of the address as it is; what one of NAT64 or 6to4 stands for is for `AddressGuard`
    /// to see.
    init(_ address: IPAddress) {
        let networks = address.isVersion6 ? Self.networks6 : Self.networks4
        let width = address.isVersion6 ? 128 : 32
        for (network, length, kind) in networks
        where (address.value ^ network) >> (width - length) == 0 {
            self = kind
            return
        }
        // Of version 6 only 2000::/3 is given out as global unicast.
        self = !address.isVersion6 || address.value >> 125 == 1 ? .open : .reserved
    }

    // The first that fits decides.
    private static let networks4: [(network: UInt128, length: Int, kind: AddressKind)] = [
        (0xa9fe_a9fe, 32, .metadata),  // 169.254.169.254, of nearly every cloud
        (0xa9fe_aa02, 32, .metadata),  // 169.254.170.2, Amazon's of containers
        (0x6464_64c8, 32, .metadata),  // 100.100.100.200, Alibaba's
        (0xc000_00c0, 32, .metadata),  // 192.0.0.192, Oracle's
        (0xa83f_8110, 32, .metadata),  // 168.63.129.16, Azure's
        (0x0000_0000, 8, .reserved),  // 0.0.0.0/8, this network
        (0x0a00_0000, 8, .onSite),  // 10.0.0.0/8
        (0x6440_0000, 10, .onSite),  // 100.64.0.0/10, shared address space
        (0x7f00_0000, 8, .loopback),  // 127.0.0.0/8
        (0xa9fe_0000, 16, .linkLocal),  // 169.254.0.0/16
        (0xac10_0000, 12, .onSite),  // 172.16.0.0/12
        (0xc000_0000, 24, .reserved),  // 192.0.0.0/24, protocol assignments
        (0xc000_0200, 24, .reserved),  // 192.0.2.0/24, documentation
        (0xc058_6300, 24, .reserved),  // 192.88.99.0/24, 6to4 relays, deprecated
        (0xc0a8_0000, 16, .onSite),  // 192.168.0.0/16
        (0xc612_0000, 15, .reserved),  // 198.18.0.0/15, benchmarking
        (0xc633_6400, 24, .reserved),  // 198.51.100.0/24, documentation
        (0xcb00_7100, 24, .reserved),  // 203.0.113.0/24, documentation
        (0xe000_0000, 4, .multicast),  // 224.0.0.0/4
        (0xf000_0000, 4, .reserved),  // 240.0.0.0/4, reserved and broadcast
    ]

    private static let networks6: [(network: UInt128, length: Int, kind: AddressKind)] = [
        (0xfd00_0ec2 << 96 | 0x254, 128, .metadata),  // fd00:ec2::254, Amazon's
        (0xfd20_00ce << 96 | 0x254, 128, .metadata),  // fd20:ce::254, Google's
        (0xfd00_0042 << 96 | 0x42, 128, .metadata),  // fd00:42::42, Scaleway's
        (1, 128, .loopback),  // ::1
        (0x2001_0003 << 96, 32, .open),  // 2001:3::/32, AMT
        (0x2001_0004_0112 << 80, 48, .open),  // 2001:4:112::/48, AS112
        (0x2001_0000 << 96, 23, .reserved),  // 2001::/23, protocols: Teredo, ORCHID, benchmarks
        (0x2001_0db8 << 96, 32, .reserved),  // 2001:db8::/32, documentation
        (0x2002 << 112, 16, .reserved),  // 2002::/16, 6to4
        (0x3fff_0000 << 96, 20, .reserved),  // 3fff::/20, documentation
        (0xfc00 << 112, 7, .onSite),  // fc00::/7, unique local
        (0xfe80 << 112, 10, .linkLocal),  // fe80::/10
        (0xff00 << 112, 8, .multicast),  // ff00::/8
    ]
}
