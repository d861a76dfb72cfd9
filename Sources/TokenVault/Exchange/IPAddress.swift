// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An IP address, as a number. One of version 4 that is written as version 6 (`::ffff:0:0/96`, RFC
/// 4291 section 2.5.5.2) is one of version 4, since that is where a socket leads.
struct IPAddress: Hashable, Sendable {
    let isVersion6: Bool
    /// Of version 4 the lower 32 bits.
    let value: UInt128

    init(version4 value: UInt32) { (isVersion6, self.value) = (false, UInt128(value)) }

    init(version6 value: UInt128) {
        isVersion6 = value >> 32 != 0xffff
        self.value = isVersion6 ? value : value & 0xffff_ffff
    }

    /// 4 or 16 bytes in network order; nil for any other length.
    init?(_ bytes: RawSpan) {
        switch bytes.byteCount {
        case 4: self.init(version4: bytes.integer(at: 0, as: UInt32.self).byteSwapped)
        case 16:
            let high = bytes.integer(at: 0, as: UInt64.self).byteSwapped
            let low = bytes.integer(at: 8, as: UInt64.self).byteSwapped
            self.init(version6: UInt128(high) << 64 | UInt128(low))
        default: return nil
        }
    }

    /// That of a `sockaddr`; nil for anything but IPv4 and IPv6.
    init?(socketAddress: RawSpan) {
        guard socketAddress.byteCount >= MemoryLayout<sockaddr_in>.size else { return nil }
        let family = unsafe socketAddress.unsafeLoadUnaligned(as: sa_family_t.self)
        switch Int32(family) {
        case AF_INET: self.init(socketAddress.extracting(4..<8))
        case AF_INET6:
            guard socketAddress.byteCount >= MemoryLayout<sockaddr_in6>.size else { return nil }
            self.init(socketAddress.extracting(8..<24))
        default: return nil
        }
    }

    /// As a URL's host has it: version 6 in brackets, without a zone; version 4 as four decimal
    /// numbers.
    init?(host: String) {
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.init(
            bracketed ? String(host.dropFirst().dropLast()) : host, isVersion6: bracketed)
    }

    init?(_ text: String, isVersion6: Bool) {
        var bytes = in6_addr()
        let parsed: IPAddress? = unsafe withUnsafeMutableBytes(of: &bytes) { buffer in
            let family = isVersion6 ? AF_INET6 : AF_INET
            guard unsafe inet_pton(family, text, buffer.baseAddress) == 1 else { return nil }
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer))
            return IPAddress(isVersion6 ? span : span.extracting(0..<4))
        }
        guard let parsed else { return nil }
        self = parsed
    }
}
