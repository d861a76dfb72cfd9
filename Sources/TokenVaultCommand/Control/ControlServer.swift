// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization
import TokenVault

/// Answers the other commands while this process owns the vault: a socket in the vault's directory
/// that only the same user reaches, one request a connection.
final class ControlServer: Sendable {
    /// How many requests are answered at a time; a few more wait in the socket's queue.
    static let workerCount = 16
    /// How many of those may be such that somebody has said to wait long for: the others must find
    /// somebody who answers.
    static let longRequestsMax = 8

    private let folder: VaultFolder
    private let door: OwnVault
    private let socket: Int32
    private let workers = Mutex<[WorkerThread]>([])
    private let longRequests = Mutex(0)

    init(_ folder: VaultFolder, _ door: OwnVault) throws {
        self.folder = folder
        self.door = door
        socket = try folder.listen()
    }

    deinit { Glibc.close(socket) }

    /// Starts answering.
    func start() throws {
        for number in 1...Self.workerCount {
            let worker = try WorkerThread("control-\(number)") { [self] in acceptAll() }
            workers.withLock { $0.append(worker) }
        }
    }

    /// Takes no more requests, finishes those that came, and removes the socket. Blocks for as long
    /// as they take.
    func stop() {
        folder.removeSocket()
        // Wakes every thread that waits in accept.
        shutdown(socket, Int32(SHUT_RDWR))
        for worker in workers.withLock({ workers in
            defer { workers = [] }
            return workers
        }) {
            worker.join()
        }
    }

    private func acceptAll() {
        while true {
            let accepted = VaultFolder.acceptNext(socket)
            if accepted >= 0 {
                let wire = Wire(owning: accepted)
                // Whoever is refused learns nothing, not even why.
                if VaultFolder.isOurs(accepted) { serve(wire) }
            } else if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
                usleep(100_000)
            } else if errno != EINTR && errno != ECONNABORTED {
                return
            }
        }
    }

    private func serve(_ wire: Wire) {
        do {
            let deadline = Deadline.after(milliseconds: Wire.requestMilliseconds)
            let head = try wire.receiveHead(by: deadline)
            guard head.kind == .message else { return }
            let request = try wire.receive(Request.self, count: head.count, by: deadline)
            let errand = Errand(request, try Self.receiveSecret(wire, by: deadline))
            guard !request.isLong || beginLong() else { throw Self.tooManyLong }
            defer { if request.isLong { longRequests.withLock { $0 -= 1 } } }
            let done = DispatchSemaphore(value: 0)
            // Blocks this thread, of which there are a few, and none of those that tasks run on.
            Task { [door] in
                await errand.run(at: door, wire)
                done.signal()
            }
            done.wait()
            try errand.finish(wire)
        } catch {
            // Nobody is left to tell: whoever asked hung up or did not speak the protocol.
            try? wire.send(FailureForm(error), as: .failure)
        }
    }

    private func beginLong() -> Bool {
        longRequests.withLock { count in
            guard count < Self.longRequestsMax else { return false }
            count += 1
            return true
        }
    }

    private static var tooManyLong: CommandFailure {
        CommandFailure(
            .temporaryFailure,
            "\(longRequestsMax) commands that may wait long (disconnect --wait, retry --app) are "
                + "at work already: try again later")
    }

    private static func receiveSecret(_ wire: Wire, by deadline: Int64) throws -> Secret? {
        let head = try wire.receiveHead(by: deadline)
        switch head.kind {
        case .end: return nil
        case .secret:
            let secret = try wire.receiveSecret(count: head.count, by: deadline)
            guard try wire.receiveHead(by: deadline).kind == .end else {
                throw CommandFailure(.internalFault, "not the protocol")
            }
            return secret
        case .message, .failure: throw CommandFailure(.internalFault, "not the protocol")
        }
    }
}

/// One request while it is answered.
private final class Errand: Sendable {
    private let request: Request
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var secret: Secret?
        var replies: [Reply] = []
        var failure: FailureForm?
    }

    init(_ request: Request, _ secret: consuming Secret?) {
        self.request = request
        state = Mutex(State(secret: secret))
    }

    func run(at door: OwnVault, _ wire: Wire) async {
        do {
            if case .token(let id, let minimumSeconds) = request {
                // Less than an empty socket takes at once, so that this does not block.
                try await door.withToken(id: id, minimumSeconds: minimumSeconds) { token in
                    try wire.send(token)
                }
                return
            }
            let secret = state.withLock { $0.secret.take() }
            try await door.ask(request, secret: secret) { reply in
                state.withLock { $0.replies.append(reply) }
            }
        } catch {
            state.withLock { $0.failure = FailureForm(error) }
        }
    }

    func finish(_ wire: Wire) throws {
        let (replies, failure) = state.withLock { ($0.replies, $0.failure) }
        if let failure { return try wire.send(failure, as: .failure) }
        for reply in replies { try wire.send(reply) }
        try wire.sendEnd()
    }
}
