// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// The vault's directory, held open: what is checked is what is used, and a socket in it is reached
/// by a short name, however long the path is (a socket's address ends at 107 bytes).
final class VaultFolder: Sendable {
    /// The name of the control socket.
    static let socketName = "control"
    /// How many may wait to be accepted; the system may allow fewer.
    private static let queueMax: Int32 = 4096

    let path: String
    private let descriptor: Int32

    /// - Throws: `vaultMissing`; `unsafeDirectory` where it is not ours alone; `storageFailed`
    ///   where it cannot be reached.
    init(_ path: String) throws(VaultError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0 else {
            let number = Int(errno)
            guard unsafe lstat(path, &status) == 0 else {
                guard number != Int(ENOENT), number != Int(ENOTDIR) else {
                    throw VaultError(.vaultMissing, .store, number: number, .missing, .directory)
                }
                throw Self.barred(number)
            }
            let cause: FailureCause
            switch status.st_mode & S_IFMT {
            case S_IFLNK: cause = .symbolicLink
            case S_IFDIR: throw Self.barred(number)
            default: cause = .wrongKind
            }
            throw VaultError(.unsafeDirectory, .store, cause, .directory)
        }
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw VaultError(.storageFailed, .store, number: Int(errno))
        }
        guard status.st_uid == geteuid() else {
            throw VaultError(
                .unsafeDirectory, .store, number: Int(status.st_uid), .otherOwner, .directory)
        }
        guard status.st_mode & 0o077 == 0 else {
            throw VaultError(
                .unsafeDirectory, .store, number: Int(status.st_mode & 0o7777), .openToOthers,
                .directory)
        }
    }

    /// Why a directory that is there, or may be, cannot be opened.
    private static func barred(_ number: Int) -> VaultError {
        VaultError(
            .storageFailed, .store, number: number, detail: FailureDetail(subject: .directory))
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
    /// - Throws: `Deadline.isOver` where no connection has been accepted for a while.
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
    static func isOurs(_ socket: Int32) -> Bool { peer(of: socket)?.user == geteuid() }

    /// Which process is at the other end; nil where the system does not say.
    static func process(at socket: Int32) -> pid_t? { peer(of: socket)?.process }

    private static func peer(of socket: Int32) -> (process: pid_t, user: uid_t)? {
        // `struct ucred`, which Swift's Glibc leaves out.
        var peer: (process: pid_t, user: uid_t, group: gid_t) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: peer))
        guard unsafe getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else {
            return nil
        }
        return (peer.process, peer.user)
    }

    /// Which process serves the vault; nil where none does, or it cannot be told.
    var server: String? {
        guard let socket = try? connect() else { return nil }
        defer { close(socket) }
        return Self.process(at: socket).map { "process \($0)" } ?? "another process"
    }

    /// Why the vault cannot be had: who has it, as far as the system says.
    func owned() -> CommandFailure {
        if let server {
            return CommandFailure(
                .temporaryFailure,
                "\(server) serves this vault already: end it first if another is to take its "
                    + "place; the other commands need no key while it runs")
        }
        let process = lockOwner.map { "process \($0)" } ?? "another process"
        return CommandFailure(
            .temporaryFailure,
            "\(process) has this vault open (a command such as connect that is waiting for "
                + "something, or a program of yours): try again when it has ended, or end it "
                + "(vaultLocked)")
    }

    /// The process that holds the lock on LOCK, by what Linux says of all locks.
    private var lockOwner: pid_t? {
        var status = stat()
        guard unsafe fstatat(descriptor, "LOCK", &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return nil
        }
        let locks = unsafe open("/proc/locks", O_RDONLY | O_CLOEXEC)
        guard locks >= 0 else { return nil }
        defer { close(locks) }
        var bytes = [UInt8](repeating: 0, count: Self.locksBytesMax)
        var filled = 0
        while filled < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                return unsafe read(locks, rest, buffer.count - filled)
            }
            guard got > 0 else { break }
            filled += got
        }
        // `1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF`
        let text = String(decoding: bytes[..<filled], as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] == "FLOCK",
                words[5].hasSuffix(":\(status.st_ino)"), let process = pid_t(words[4]), process > 0
            else { continue }
            return process
        }
        return nil
    }

    /// How much of the list of locks is looked at, in bytes.
    private static let locksBytesMax = 1 << 16

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
