// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// One process's way to the providers. The world decides what happens to each request.
final class VirtualNetwork: Transport, @unchecked Sendable {
    private let take: (TransportRequest) -> Exchange?
    /// What waits for an answer, the oldest first.
    private(set) var open: [Exchange] = []
    private var settled = 0
    private(set) var isClosed = false
    private let ignoresClose: Bool
    /// Whether its close awaits answers to refreshes.
    var awaitsRefreshes = true

    init(ignoresClose: Bool = false, _ take: @escaping (TransportRequest) -> Exchange?) {
        self.ignoresClose = ignoresClose
        self.take = take
    }

    var openCount: Int { open.count - settled }
    /// Whether its close has something to wait for.
    var isAwaited: Bool {
        open.contains { exchange in
            exchange.isOpen
                && (awaitsRefreshes || exchange.request.isReserved && !exchange.isOverdue)
        }
    }

    func send(_ request: TransportRequest) {
        guard !isClosed, let exchange = take(request) else {
            _ = request.cancelIfUnsent()
            return
        }
        open.append(exchange)
    }

    /// Counts one that was answered, and forgets those from time to time.
    func settle(_ exchange: Exchange) {
        exchange.isOpen = false
        settled += 1
        guard settled > 64, settled * 2 > open.count else { return }
        open.removeAll { !$0.isOpen }
        settled = 0
    }

    func close() { isClosed = !ignoresClose }
}
