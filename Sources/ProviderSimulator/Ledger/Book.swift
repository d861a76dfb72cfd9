// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The ledger behind its lock. Every request takes the lock two or three times, for a few
/// microseconds, and never across a wait.
final class Book: Sendable {
    private let ledger: Mutex<Ledger>

    init(_ ledger: Ledger) {
        self.ledger = Mutex(ledger)
    }

    /// Reads or changes the ledger.
    func use<Value: Sendable, Failure: Error>(
        _ body: (inout Ledger) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try ledger.withLock { ledger throws(Failure) in try body(&ledger) }
    }

    /// Notes the arrival of a token request and takes the fault meant for it, if any.
    func begin(_ endpoint: ProviderSimulator.Endpoint, refreshToken: String?) -> Ticket {
        use { ledger in
            var ticket = Ticket(endpoint: endpoint)
            ticket.fault = ledger.takeFault(for: endpoint)
            guard endpoint == .token else {
                ledger.counters.revocationRequests += 1
                return ticket
            }
            ledger.counters.tokenRequests += 1
            ledger.tokenRequestsInFlight += 1
            ledger.counters.peakConcurrentTokenRequests = max(
                ledger.counters.peakConcurrentTokenRequests, ledger.tokenRequestsInFlight)
            if let refreshToken, let grant = ledger.refreshTokens[refreshToken]?.grant {
                ticket.grant = grant
                ledger.grants[grant].refreshRequests += 1
                ledger.grants[grant].refreshesInFlight += 1
                ledger.counters.peakConcurrentRefreshesOfOneGrant = max(
                    ledger.counters.peakConcurrentRefreshesOfOneGrant,
                    ledger.grants[grant].refreshesInFlight)
            }
            return ticket
        }
    }

    /// Notes that the request is answered.
    func end(_ ticket: Ticket) {
        guard ticket.endpoint == .token else { return }
        use { ledger in
            ledger.tokenRequestsInFlight -= 1
            if let grant = ticket.grant { ledger.grants[grant].refreshesInFlight -= 1 }
        }
    }

    /// A request being answered.
    struct Ticket: Sendable {
        let endpoint: ProviderSimulator.Endpoint
        var grant: Int?
        var fault: ProviderSimulator.Fault?
    }
}

extension Ledger {
    /// The fault for the next reply of this endpoint, counted down.
    mutating func takeFault(for endpoint: ProviderSimulator.Endpoint) -> ProviderSimulator.Fault? {
        guard let order = faults[endpoint] else { return nil }
        if let replies = order.replies {
            faults[endpoint] =
                replies > 1 ? FaultOrder(fault: order.fault, replies: replies - 1) : nil
        }
        counters.faultsServed += 1
        return order.fault
    }
}
