// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listener whose queue is full: connecting to it never ends.
final class Wall {
    let origin: String
    private let sockets: [Int32]

    init() {
        func open() -> Int32 {
            socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        }
        let listener = open()
        var sockets = [listener]
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = unsafe bind(listener, pointer, size)
                listen(listener, 0)
                _ = unsafe getsockname(listener, pointer, &size)
                for _ in 0..<4 {
                    let socket = open()
                    _ = unsafe connect(socket, pointer, size)
                    sockets.append(socket)
                }
            }
        }
        self.sockets = sockets
        origin = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    }

    deinit { for socket in sockets { close(socket) } }
}
