// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// Answers that are listened for after their deadline.
extension World {
    /// The most in all.
    static let listenersMax = 512

    /// The deadline passed: the request leaves its place in flight, and is one of the listeners.
    func beginListening(_ exchange: Exchange) {
        let provider = exchange.provider
        exchange.isOverdue = true
        note(exchange.subject, .overdue, exchange.form.refresh?.serial ?? 0)
        guard exchange.kind == .refresh else { return }
        provider.inFlight -= 1
        provider.listeners += 1
        listeners += 1
        provider.failed += 1
        provider.silent += 1
        noteProbe(provider)
        expectTold(exchange.subject)
        if provider.listeners == provider.temper.concurrencyMax { outcome.fullEndpoints += 1 }
        if listeners == Self.listenersMax { outcome.fullHouses += 1 }
        if provider.listeners > provider.temper.concurrencyMax || listeners > Self.listenersMax {
            violated(
                .listenersExceeded, exchange.subject,
                "provider \(provider.index): \(provider.listeners) of "
                    + "\(provider.temper.concurrencyMax), \(listeners) in all")
        }
    }

    /// It was answered, or given up.
    func endListening(_ exchange: Exchange) {
        let provider = exchange.provider
        let wasCrowded = isCrowded(provider)
        let wasFull = listeners >= Self.listenersMax
        provider.listeners -= 1
        listeners -= 1
        if wasCrowded { provider.unblockedSince = clock.now }
        guard wasFull else { return }
        for provider in providers { provider.unblockedSince = clock.now }
    }

    /// Whether nothing new may leave, because of the answers that are listened for.
    func isBlocked(_ provider: VirtualProvider) -> Bool {
        provider.listeners > 0 && provider.listeners >= provider.temper.concurrencyMax
            || provider.temper.isListenedTo && listeners >= Self.listenersMax
    }

    /// Whether so few places are left that the others wait for them: what is fast enough for twice
    /// what comes due is fast enough with half of its places. Or they are at risk, with others.
    func isCrowded(_ provider: VirtualProvider) -> Bool {
        isBlocked(provider) || 2 * provider.listeners > provider.temper.concurrencyMax
            || provider.listeners > 0 && provider.isSuspect
    }

    /// So long after its start a request whose answer has not come is late, in milliseconds.
    private static let lateMilliseconds: Int64 = 3000

    /// Whether a place is taken by a request that should have been answered, and is not overdue.
    func isLate(_ exchange: Exchange) -> Bool {
        exchange.kind == .refresh && !exchange.isOverdue
            && clock.now - exchange.started > Self.lateMilliseconds
    }

    /// The same as `isCrowded` by those: until their deadlines.
    ///
    /// - Parameter ending: how many of them end now.
    func isStuck(_ provider: VirtualProvider, beside ending: Int = 0) -> Bool {
        let open = incarnation?.network.open ?? []
        let late = open.count { $0.isOpen && $0.provider === provider && isLate($0) }
        return late + ending > 0 && 2 * (late + ending) > provider.temper.concurrencyMax
    }

    /// A refresh was handed to the transport.
    func judgeListeners(_ exchange: Exchange) {
        guard isBlocked(exchange.provider) else { return }
        violated(
            .listenersExceeded, exchange.subject,
            "one more leaves for provider \(exchange.provider.index) with "
                + "\(exchange.provider.listeners) listeners, \(listeners) in all")
    }

    /// What an answer says of the provider: it lives, or nobody knows. Of one that is overdue that
    /// was counted.
    func noteSilence(_ exchange: Exchange, _ answer: Exchange.Answer) {
        switch answer {
        case .failure, .status(500, _), .status(503, .none):
            if !exchange.isOverdue { exchange.provider.silent += 1 }
        case .status: break
        default: exchange.provider.silent = 0
        }
    }

    /// A refresh was handed to the transport: of those that try a provider that does not answer one
    /// is out at a time.
    func judgeSilence(_ exchange: Exchange) {
        let provider = exchange.provider
        guard provider.silent >= Governor.failuresInARowMax, provider.inFlight > 1 else { return }
        reap()
        guard provider.inFlight > 1 else { return }
        violated(
            .silentCrowded, exchange.subject,
            "provider \(provider.index): \(provider.silent) unanswered, \(provider.inFlight) out")
    }

    /// The answer is at the machine of a process that lives, which has to use it where it was to
    /// listen so long.
    func noteArrival(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard exchange.kind == .refresh, exchange.process == incarnations,
            incarnation?.isRunning == true, case .tokens(_, let refresh) = answer, let refresh
        else { return }
        let temper = exchange.provider.temper
        let patience =
            temper.isListenedTo
            ? 1000 * temper.listenSeconds
            : Int64(exchange.request.deadlineMilliseconds)
        guard clock.now < exchange.started + patience, scenario.has(.lateAnswers) else { return }
        note(exchange.subject, .arrived, refresh.serial)
        let owner = refresh.owner
        grants[owner].arrivedSerial = max(grants[owner].arrivedSerial, refresh.serial)
    }
}
