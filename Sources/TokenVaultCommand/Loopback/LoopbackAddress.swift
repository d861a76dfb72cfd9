// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A redirect URI of RFC 8252 section 7.3: `http`, a loopback address, a port, a path.
struct LoopbackAddress: Hashable {
    let isIPv6: Bool
    let port: UInt16
    /// With its slash, without a query.
    let path: String

    /// Nil where the URI is of another form. `localhost` is refused too: a name may resolve to
    /// another address (RFC 8252 section 8.3).
    init?(_ uri: String) {
        let hosts = ["http://127.0.0.1", "http://[::1]"]
        guard let host = hosts.first(where: { uri.hasPrefix($0) }), !uri.contains("#"),
            !uri.contains("?")
        else { return nil }
        let rest = uri.dropFirst(host.count)
        let authority = rest.prefix { $0 != "/" }
        switch authority.first {
        case nil: port = 80
        case ":":
            guard let number = UInt16(authority.dropFirst()), number > 0 else { return nil }
            port = number
        default: return nil
        }
        isIPv6 = host.hasSuffix("]")
        let path = rest.dropFirst(authority.count)
        self.path = path.isEmpty ? "/" : String(path)
    }

    /// A socket that listens there and nowhere else.
    func listen() throws(CommandFailure) -> Int32 {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(
            isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard socket >= 0 else {
            throw CommandFailure(.inputOutput, "cannot make a socket", errno: errno)
        }
        // Connections of the last flow may still linger in TIME_WAIT.
        var yes: Int32 = 1
        unsafe setsockopt(
            socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(socket), Glibc.listen(socket, 16) == 0 else {
            let number = errno
            close(socket)
            throw CommandFailure(
                .cannotCreate, "cannot listen on port \(port), which the redirect URI names",
                errno: number)
        }
        return socket
    }

    private func bind(_ socket: Int32) -> Bool {
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            return unsafe bind(socket, &address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe bind(socket, &address)
    }

    private func bind<Address>(
        _ socket: Int32, _ address: UnsafePointer<Address>
    ) -> Bool {
        let length = socklen_t(MemoryLayout<Address>.size)
        return unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe Glibc.bind(socket, $0, length) == 0
        }
    }
}
