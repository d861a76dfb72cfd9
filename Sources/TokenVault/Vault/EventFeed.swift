// SPDX-License-Identifier: Apache-2.0

/// Hands events to whoever listens; forgets them otherwise.
final class EventFeed: Sendable {
    /// How many events a slow listener may be behind before it misses the oldest.
    static let backlogMax = 1024

    private let listeners = Monitor(Listeners())
    /// Whether `refreshed` is published.
    let tellsRefreshes: Bool
    /// Whether `refreshed` is kept in the log.
    let logsRefreshes: Bool
    private let log: (@Sendable (VaultEvent) -> Void)?

    init(
        tellsRefreshes: Bool = false, logsRefreshes: Bool = false,
        log: (@Sendable (VaultEvent) -> Void)? = nil
    ) {
        self.tellsRefreshes = tellsRefreshes
        self.logsRefreshes = logsRefreshes
        self.log = log
    }

    private struct Listeners {
        var next = 0
        /// Nothing comes any more.
        var isFinished = false
        var open: [Int: Listener] = [:]
    }

    private struct Listener {
        let continuation: AsyncStream<VaultEvent>.Continuation
        /// Whether it is there for the end alone.
        let isDeaf: Bool
    }

    func stream() -> AsyncStream<VaultEvent> { stream(isDeaf: false) }

    /// Waits until the feed has finished, or the task is cancelled.
    func end() async { for await _ in stream(isDeaf: true) {} }

    private func stream(isDeaf: Bool) -> AsyncStream<VaultEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: VaultEvent.self, bufferingPolicy: .bufferingNewest(Self.backlogMax))
        let number = listeners.withLock { listeners -> Int? in
            if listeners.isFinished { return nil }
            listeners.next += 1
            listeners.open[listeners.next] = Listener(continuation: continuation, isDeaf: isDeaf)
            return listeners.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.listeners.withLock { _ = $0.open.removeValue(forKey: number) }
        }
        return stream
    }

    func publish(_ event: VaultEvent) {
        log?(event)
        for listener in listeners.withLock({ Array($0.open.values) }) where !listener.isDeaf {
            listener.continuation.yield(event)
        }
    }

    func finish() {
        let open = listeners.withLock { listeners in
            listeners.isFinished = true
            defer { listeners.open = [:] }
            return Array(listeners.open.values)
        }
        for listener in open { listener.continuation.finish() }
    }
}

extension Vault {
    /// What happens to connections from now on; `refreshed` too where the settings say so. A
    /// listener that is more than 1,024 events behind misses the oldest; the log has them: see
    /// ``events(after:limit:)``. The stream ends when the vault is closed; of one that is, and of
    /// one that a child process inherited, there are none.
    public func events() -> AsyncStream<VaultEvent> {
        isInherited ? AsyncStream { $0.finish() } : feed.stream()
    }
}
