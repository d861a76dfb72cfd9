// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TokenVault

/// Answers the other commands while this process owns the vault: a socket in the vault's directory
/// that only the same user reaches, one request a connection.
///
/// One thread takes requests in and sends answers out, and waits for nobody: neither for somebody
/// who says nothing or reads nothing, nor for what a request waits for, which is a task of its own.
final class ControlServer: Sendable {
    /// How many connections there are at a time, if the process may have twice as many descriptors.
    static let peersMax = 4096
    /// How long nothing is accepted where the process has no descriptor left, in milliseconds.
    private static let pauseMilliseconds: Int64 = 100
    /// How many are accepted before the others are served.
    private static let admittedMax = 64

    private let folder: VaultFolder
    private let door: OwnVault
    private let socket: Int32
    private let peersMax: Int
    /// Ends the sleep of the thread: a byte that is written to the second is read from the first.
    private let bell: (hears: Int32, rings: Int32)
    private let isStopping = Atomic(false)
    /// Whether the thread has nothing left to do.
    private let isDone = Atomic(false)
    private let worker = Mutex<WorkerThread?>(nil)
    /// How often it is looked whether all is done, at the end.
    private static let lookInterval = Duration.milliseconds(10)

    /// - Parameter peersMax: how many connections there are at a time; by default as many as half
    ///   of the process's descriptors.
    init(
        _ folder: VaultFolder, _ door: OwnVault,
        peersMax: Int = DescriptorLimit.share(2, atMost: peersMax)
    ) throws {
        self.folder = folder
        self.door = door
        self.peersMax = peersMax
        bell = try Self.makeBell()
        do {
            socket = try folder.listen()
        } catch {
            Glibc.close(bell.hears)
            Glibc.close(bell.rings)
            throw error
        }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    deinit {
        for descriptor in [socket, bell.hears, bell.rings] { Glibc.close(descriptor) }
    }

    private static func makeBell() throws(CommandFailure) -> (hears: Int32, rings: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw CommandFailure(.inputOutput, "cannot make a pipe", errno: errno)
        }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        return (ends[0], ends[1])
    }

    /// Starts answering.
    func start() throws {
        let thread = try WorkerThread("control") { [self] in
            WorkerThread.neverWaitsForSecrets()
            var desk = Desk(self)
            while desk.turn() {}
            isDone.store(true, ordering: .releasing)
        }
        worker.withLock { $0 = thread }
    }

    /// Takes no more requests, removes the socket, and finishes what was asked for, at most until
    /// that moment. No thread is held meanwhile: what was asked for may need it.
    ///
    /// - Returns: whether all is done.
    @discardableResult
    func finish(by deadline: Int64) async -> Bool {
        if !isStopping.exchange(true, ordering: .acquiringAndReleasing) {
            folder.removeSocket()
            ring()
        }
        while !isDone.load(ordering: .acquiring) {
            guard Deadline.remaining(until: deadline) > 0 else { return false }
            do {
                try await Task.sleep(for: Self.lookInterval)
            } catch {
                return false
            }
        }
        worker.withLock { $0.take() }?.join()
        return true
    }

    private func ring() {
        var byte: UInt8 = 0
        _ = unsafe write(bell.rings, &byte, 1)
    }

    private func hear() {
        var bytes: [UInt8] = Array(repeating: 0, count: 256)
        while unsafe read(bell.hears, &bytes, bytes.count) == bytes.count {}
    }

    /// What the thread has before it.
    private struct Desk {
        private let server: ControlServer
        private var peers: [ControlPeer] = []
        /// What goes on although whoever asked for it is gone: without a socket, nor a place.
        private var left: [Errand] = []
        /// Until when no connection is accepted.
        private var pause: Int64?
        private var isOpen = true

        init(_ server: ControlServer) { self.server = server }

        /// Waits until there is something to do, and does it. False when all is done for ever.
        mutating func turn() -> Bool {
            let watched = wait()
            let isLast = isOpen && server.isStopping.load(ordering: .acquiring)
            for peer in watched.ready { proceed(peer) }
            if watched.admits || isLast { admit() }
            for peer in peers { peer.look() }
            if isLast { close() }
            let now = Deadline.after(milliseconds: 0)
            for peer in peers where peer.deadline.map({ $0 <= now }) ?? false { peer.leave() }
            peers.removeAll(where: \.isOver)
            left.removeAll(where: \.isDone)
            left += peers.compactMap(\.errandLeft)
            peers.removeAll { $0.errandLeft != nil }
            return isOpen || !peers.isEmpty || !left.isEmpty
        }

        private func wait() -> (ready: [ControlPeer], admits: Bool) {
            let now = Deadline.after(milliseconds: 0)
            let admits = isOpen && pause.map { $0 <= now } ?? true
            let watched = peers.filter { $0.isWatched(now) }
            var polls = [
                pollfd(fd: server.bell.hears, events: Int16(POLLIN), revents: 0),
                pollfd(fd: admits ? server.socket : -1, events: Int16(POLLIN), revents: 0),
            ]
            polls += watched.map {
                pollfd(fd: $0.wire.socket, events: Int16($0.events), revents: 0)
            }
            var next = admits ? nil : pause
            for peer in peers {
                if let deadline = peer.deadline { next = min(next ?? deadline, deadline) }
                // One that is over is watched.
                if let rest = peer.rest, rest > now { next = min(next ?? rest, rest) }
            }
            let rest = next.map { Int32(clamping: max(0, $0 - now)) } ?? -1
            let count = nfds_t(polls.count)
            guard unsafe poll(&polls, count, rest) > 0 else { return ([], false) }
            if polls[0].revents != 0 { server.hear() }
            let ready = zip(watched, polls.dropFirst(2)).filter { $1.revents != 0 }.map(\.0)
            return (ready, polls[1].revents != 0)
        }

        private func proceed(_ peer: ControlPeer) {
            peer.proceed { [server] errand, wire in
                errand.start(at: server.door, wire) { server.ring() }
            }
        }

        private mutating func admit() {
            pause = nil
            for _ in 0..<ControlServer.admittedMax {
                let accepted = VaultFolder.acceptNext(server.socket)
                guard accepted >= 0 else {
                    let isShort =
                        errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
                    if isShort, !makeRoom() {
                        pause = Deadline.after(milliseconds: ControlServer.pauseMilliseconds)
                    }
                    return
                }
                let peer = ControlPeer(Wire(owning: accepted))
                // Whoever is refused learns nothing, not even why.
                guard VaultFolder.isOurs(accepted) else { continue }
                if peers.count >= server.peersMax, !makeRoom() {
                    peer.refuse(server.tooMany)
                } else {
                    peers.append(peer)
                    // Most have asked by now.
                    proceed(peer)
                }
            }
        }

        /// The one that has been silent for the longest time is closed. False where none is silent.
        private mutating func makeRoom() -> Bool {
            for (index, peer) in peers.enumerated() where peer.stage == .asking {
                // It may have asked since it was looked at.
                proceed(peer)
                guard peer.stage == .asking else { continue }
                peer.leave()
                peers.remove(at: index)
                return true
            }
            return false
        }

        /// No connection is accepted any more, and none that has not asked is waited for.
        private mutating func close() {
            isOpen = false
            for peer in peers where peer.stage == .asking { peer.leave() }
        }
    }

    private var tooMany: CommandFailure {
        CommandFailure(
            .temporaryFailure,
            "\(peersMax) commands wait for an answer already: try again later")
    }
}
