// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What systemd is told of a process that serves, where it asks (`Type=notify`, sd_notify(3)).
enum ServiceManager {
    case ready, stopping

    /// Best effort: whoever does not listen need not know.
    func notify() {
        guard let variable = unsafe getenv("NOTIFY_SOCKET"),
            let path = unsafe String(validatingCString: variable),
            path.hasPrefix("/") || path.hasPrefix("@")
        else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        // An abstract name.
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let socket = Glibc.socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let text = Array((self == .ready ? "READY=1" : "STOPPING=1").utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(
                    socket, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
