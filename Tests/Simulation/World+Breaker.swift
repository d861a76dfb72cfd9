// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// The circuit breaker of a provider: what it does wrong shows from outside only by its delays, so
// it is looked at inside.
extension World {
    /// An answer, or the lack of one, was just handed to the vault.
    func judgeBreaker(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard exchange.kind == .refresh, isDown(exchange.provider) else { return }
        let provider = exchange.provider
        if exchange.isOverdue, answer.isDefinite {
            violated(.pauseKept, exchange.subject, "provider \(provider.index)")
        } else if provider.silent < Governor.failuresInARowMax, !provider.askedForPause {
            violated(
                .pausedEarly, exchange.subject,
                "provider \(provider.index), after \(provider.silent) failures")
        }
    }

    /// Whether the vault takes a provider to be down.
    private func isDown(_ provider: VirtualProvider) -> Bool {
        guard let incarnation, let id = try? ApplicationID(provider.application) else {
            return false
        }
        return incarnation.vault.refresher.shared.withLock { shared in
            guard let lane = shared.upkeep.lane(id) else { return false }
            let endpoint = shared.upkeep.lanes[lane].endpoint
            if case .down = shared.upkeep.endpoints[endpoint].governor.health { return true }
            return false
        }
    }
}
