// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// The circuit breaker of a provider: what it does wrong shows from outside only by its delays, so
// it is looked at inside.
extension World {
    /// An answer, or the lack of one, was just handed to the vault.
    ///
    /// - Parameter before: how the vault took the provider to be until then.
    func judgeBreaker(_ exchange: Exchange, _ answer: Exchange.Answer, before: Governor.Health?) {
        guard exchange.kind == .refresh, case .down = health(exchange.provider) else { return }
        let provider = exchange.provider
        if exchange.isOverdue, answer.isDefinite {
            violated(.pauseKept, exchange.subject, "provider \(provider.index)")
        } else if before == .up, provider.silent < Governor.failuresInARowMax {
            violated(
                .pausedEarly, exchange.subject,
                "provider \(provider.index), after \(provider.silent) failures")
        }
    }

    /// How the vault takes a provider to be.
    func health(_ provider: VirtualProvider) -> Governor.Health? {
        guard let incarnation, let id = try? ApplicationID(provider.application) else {
            return nil
        }
        return incarnation.vault.refresher.shared.withLock { shared in
            guard let queue = shared.upkeep.queue(id) else { return nil }
            return shared.upkeep.endpoints[shared.upkeep.queues[queue].endpoint].governor.health
        }
    }
}
