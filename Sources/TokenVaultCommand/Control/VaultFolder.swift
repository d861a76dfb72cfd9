// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// The vault's directory, held open: what is checked is what is used, and a socket in it is reached
/// by a short name, however long the path is (a socket's address ends at 107 bytes).
final class VaultFolder: Sendable {
    /// The name of the control socket.
    static let socketName = "control"
    /// How many may wait to be taken in; the system may allow fewer.
    private static let queueMax: Int32 = 4096

    let path: String
    private let descriptor: Int32

    /// - Throws: `vaultMissing`; `unsafeDirectory` where it is not ours alone.
    init(_ path: String) throws(VaultError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = errno
            let isMissing = number == ENOENT
            throw VaultError(
                isMissing ? .vaultMissing : .unsafeDirectory, .store, number: Int(number))
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else { throw VaultError(.unsafeDirectory, .store, number: Int(status.st_mode & 0o7777)) }
    }

    deinit { close(descriptor) }

    /// A socket that listens at `control`; one that is there already is taken away: its process has
    /// ended, for we hold the vault's lock.
    func listen() throws(CommandFailure) -> Int32 {
        removeSocket()
        let socket = try Self.makeSocket()
        // The mode that bind gives the name; nobody can connect in between.
        guard fchmod(socket, 0o600) == 0,
            unsafe withAddress({ unsafe bind(socket, $0, $1) }) == 0,
            Glibc.listen(socket, Self.queueMax) == 0
        else {
            let number = errno
            close(socket)
            throw CommandFailure(.cannotCreate, "cannot make the control socket", errno: number)
        }
        return socket
    }

    func removeSocket() { unsafe unlinkat(descriptor, Self.socketName, 0) }

    /// How soon it is tried again to connect, in microseconds, where the queue is full.
    private static let connectAgainMicroseconds: UInt32 = 20_000

    /// A socket connected to the process that serves this vault; nil where none does.
    ///
    /// - Throws: `Deadline.isOver` where nobody has been taken in for a while.
    func connect() throws(CommandFailure) -> Int32? {
        let socket = try Self.makeSocket()
        // One that is full would be waited for without an end.
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        let deadline = Deadline.after(milliseconds: Wire.pingMilliseconds)
        while unsafe withAddress({ unsafe Glibc.connect(socket, $0, $1) }) != 0 {
            guard errno == EAGAIN || errno == EINTR else {
                close(socket)
                return nil
            }
            guard Deadline.remaining(until: deadline) > 0 else {
                close(socket)
                throw Deadline.isOver
            }
            usleep(Self.connectAgainMicroseconds)
        }
        _ = fcntl(socket, F_SETFL, 0)
        guard Self.isOurs(socket) else {
            close(socket)
            throw CommandFailure(.refused, "the control socket belongs to another user")
        }
        return socket
    }

    /// Whether the process at the other end runs as the same user.
    static func isOurs(_ socket: Int32) -> Bool { peer(of: socket).user == geteuid() }

    /// The process at the other end: of a connection that was made, the one that listens.
    static func peer(of socket: Int32) -> (process: pid_t, user: uid_t) {
        // `struct ucred`, which Swift's Glibc leaves out.
        var peer: (process: pid_t, user: uid_t, group: gid_t) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: peer))
        guard unsafe getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else {
            return (0, .max)
        }
        return (peer.process, peer.user)
    }

    /// The next connection, closed in programs that this one starts; negative where there is none.
    static func acceptNext(_ socket: Int32) -> Int32 {
        let accepted = accept(socket, nil, nil)
        if accepted >= 0 { _ = fcntl(accepted, F_SETFD, FD_CLOEXEC) }
        return accepted
    }

    private static func makeSocket() throws(CommandFailure) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(AF_UNIX, type, 0)
        guard socket >= 0 else {
            throw CommandFailure(.inputOutput, "cannot make a socket", errno: errno)
        }
        return socket
    }

    private func withAddress(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "/proc/self/fd/\(descriptor)/\(Self.socketName)"
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            unsafe field.copyBytes(from: path.utf8)
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }
}
