// SPDX-License-Identifier: Apache-2.0

// What addresses are allowed, and what a name says of them.
extension AddressGuard {
    /// Why no socket may be opened to the address of a `sockaddr`; nil where one may. Anything but
    /// IPv4 and IPv6 is refused.
    func refusal(socketAddress: RawSpan, for target: Target) -> FailureCause? {
        guard let address = IPAddress(socketAddress: socketAddress) else {
            return .resolvesToUnusable
        }
        return refusal(of: address, for: target, isResolved: true)
    }

    /// Why an address is refused; nil where it is not.
    ///
    /// - Parameter isResolved: whether a name resolves to it, else it is written in a URL.
    func refusal(
        of address: IPAddress, for target: Target, isResolved: Bool
    ) -> FailureCause? {
        switch translation(of: address) {
        case .none:
            let kind = AddressKind(address)
            if allows(kind, address, target) { return nil }
            return isResolved ? kind.resolvedRefusal : kind.refusal
        case .to(let inside):
            let kind = AddressKind(inside)
            // This machine is not reached through a NAT64.
            if kind != .loopback, allows(kind, inside, target) { return nil }
        case .malformed: break
        }
        return isResolved ? .resolvesToTranslated : .translatedAddress
    }

    private func allows(_ kind: AddressKind, _ address: IPAddress, _ target: Target) -> Bool {
        switch (kind, target) {
        case (.loopback, .loopback): allowsLoopback
        case (.open, .network): true
        case (.onSite, .network): allowedNetworks.contains { $0.contains(address) }
        case (.open, .proxy), (.onSite, .proxy), (.loopback, .proxy): true
        default: false
        }
    }

    /// Which IPv4 address an IPv6 address stands for.
    private enum Translation {
        case none, to(IPAddress), malformed
    }

    private func translation(of address: IPAddress) -> Translation {
        guard address.isVersion6 else { return .none }
        for prefix in nat64Prefixes where prefix.contains(address) {
            return prefix.inside(address).map(Translation.to) ?? .malformed
        }
        // 2002::/16, 6to4 (RFC 3056 section 2): the next 32 bits.
        guard address.value >> 112 == 0x2002 else { return .none }
        return .to(IPAddress(version4: UInt32(truncatingIfNeeded: address.value >> 80)))
    }

    /// Names that stand for this machine (RFC 6761 section 6.3).
    static func isLoopbackName(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost")
    }

    /// Names that only private networks have (RFC 6762, RFC 8375; ICANN's `.internal`).
    static func isPrivateName(_ host: String) -> Bool {
        privateSuffixes.contains { host.hasSuffix($0) || host == $0.dropFirst() }
    }

    private static let privateSuffixes = [".internal", ".local", ".home.arpa"]
}
