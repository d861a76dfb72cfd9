// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TokenVault

/// One request while it is answered, by a task of its own that holds no thread while it waits.
final class Errand: Sendable {
    private let request: Request
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var secret: Secret?
        /// The answer, as it goes over the wire.
        var frames: [UInt8] = []
        var task: Task<Void, Never>?
        var isDone = false
    }

    init(_ request: Request, _ secret: consuming Secret?) {
        self.request = request
        state = Mutex(State(secret: secret))
    }

    /// Begins; `ended` runs when there is an answer to tell.
    func start(at door: OwnVault, _ wire: Wire, ended: @escaping @Sendable () -> Void) {
        // Only what is told as it is needs the socket, which nobody may be at the other end of.
        let wire = isToken || request.makesKey ? wire : nil
        let task = Task { [self] in
            await run(at: door, wire)
            state.withLock { state in
                state.isDone = true
                state.task = nil
            }
            ended()
        }
        state.withLock { if !$0.isDone { $0.task = task } }
    }

    /// Whoever asked has hung up. What changes something goes on; who merely waits stops waiting.
    func abandon() {
        guard request.onlyWaits else { return }
        state.withLock { $0.task }?.cancel()
    }

    /// The answer, once; nil while there is none.
    func takeFrames() -> [UInt8]? {
        state.withLock { state in
            guard state.isDone else { return nil }
            defer { state.frames = [] }
            return state.frames
        }
    }

    /// Whether there is at most one of its kind for each connection that waits long.
    var isOnePerConnection: Bool {
        if case .disconnect = request { true } else { false }
    }

    var isDone: Bool { state.withLock { $0.isDone } }

    private var isToken: Bool { if case .token = request { true } else { false } }

    private func run(at door: OwnVault, _ wire: Wire?) async {
        do {
            if case .token(let id, let minimumSeconds) = request, let wire {
                try await door.withToken(id: id, minimumSeconds: minimumSeconds) { token in
                    try wire.sendAtOnce(token)
                }
            } else if request.makesKey, let wire {
                try await door.askForKey(request) { reply in
                    let frame = try Wire.frame(reply)
                    state.withLock { $0.frames += frame }
                } _: { key in
                    try wire.sendAtOnce(key)
                }
            } else {
                let secret = state.withLock { $0.secret.take() }
                try await door.ask(request, secret: secret) { reply in
                    let frame = try Wire.frame(reply)
                    state.withLock { $0.frames += frame }
                }
            }
            state.withLock { $0.frames += Wire.head(.end, count: 0) }
        } catch {
            let frame = (try? Wire.frame(FailureForm(error), as: .failure)) ?? []
            state.withLock { $0.frames = frame }
        }
    }
}
