// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// A request's way: taken from the vault, sent, at the provider, and back.
extension World {
    /// Takes a request from the vault, and judges that it is made at all.
    func take(_ request: TransportRequest) -> Exchange? {
        guard let endpoint = endpoints[request.url] else {
            violated(.stuck, -1, "a request to \(request.url)")
            return nil
        }
        let form = TokenText.Form(TokenText.copy(request.body))
        let kind: Exchange.Kind =
            endpoint.isRevocation ? .revocation : form.code != nil ? .code : .refresh
        guard let owner = (form.refresh ?? form.access ?? form.code)?.owner else {
            violated(.stuck, -1, "a request without a token")
            return nil
        }
        let exchange = Exchange(
            request, kind, providers[endpoint.provider], form, subject: grants[owner].subject,
            started: clock.now)
        outcome.requests += 1
        switch kind {
        case .refresh: judgeRefresh(exchange)
        case .revocation:
            if let refresh = form.refresh {
                let asked = max(grants[owner].revocationSerial, refresh.serial)
                grants[owner].revocationSerial = asked
            }
        case .code: break
        }
        if scenario.sabotage == .duplicates, kind == .refresh { judgeRefresh(exchange) }
        // Most connections are open already; a new one takes a moment.
        let delay = below(5) == 0 ? between(1...60) : 0
        after(delay) { [self] in depart(exchange) }
        return exchange
    }

    /// The first byte leaves, unless the request was taken back.
    private func depart(_ exchange: Exchange) {
        guard exchange.isOpen else { return }
        if exchange.provider.mode == .refusing {
            after(between(1...50)) { [self] in
                deliver(exchange, .failure(.unreachable(curlCode: 7)))
            }
            return
        }
        guard exchange.request.markSent() else {
            if let network = incarnation?.network { close(exchange, network) }
            return
        }
        if exchange.kind == .refresh { judgePresented(exchange) }
        if exchange.kind == .refresh, below(10_000) < ambushesPerTenThousand {
            disconnect(exchange.subject)
        }
        let latency = exchange.provider.temper.latencyMilliseconds
        let way = Int64(latency.lowerBound + below(latency.count)) / 2
        after(way) { [self] in arrive(exchange, way) }
    }

    /// The request is at the provider; its process may be dead by now.
    private func arrive(_ exchange: Exchange, _ way: Int64) {
        if crashesInFlight, exchange.isOpen, exchange.kind == .refresh, clock.now < faultsEnd {
            crash()
        }
        switch exchange.provider.mode {
        case .refusing: answer(exchange, .failure(.lost(curlCode: 56)), after: way)
        case .unavailable(let seconds):
            if let seconds { welcomed(exchange.provider, seconds) }
            answer(exchange, .status(503, retryAfterSeconds: seconds), after: way)
        case .throttling(let seconds):
            welcomed(exchange.provider, seconds)
            answer(exchange, .status(429, retryAfterSeconds: seconds), after: way)
        case .hanging: answer(exchange, .failure(.lost(curlCode: 0)), after: .max)
        case .slow: answer(exchange, act(exchange), after: way + between(1000...20_000))
        case .healthy: arriveHealthy(exchange, way)
        }
    }

    /// Nobody may come before this moment.
    private func welcomed(_ provider: VirtualProvider, _ seconds: Int64) {
        provider.retryAfter = max(provider.retryAfter, clock.now + seconds * 1000)
    }

    private func arriveHealthy(_ exchange: Exchange, _ way: Int64) {
        if scenario.sabotage == .endsGrants, exchange.kind == .refresh, below(20) == 0 {
            return answer(exchange, .error(400, "invalid_grant"), after: way)
        }
        let isFaulty =
            clock.now < faultsEnd && below(1000) < scenario.singleFaultsPerThousand
        guard isFaulty else { return answer(exchange, act(exchange), after: way) }
        switch below(4) {
        case 0: answer(exchange, .status(500, retryAfterSeconds: nil), after: way)
        case 1:
            _ = act(exchange)
            answer(exchange, .failure(.lost(curlCode: 56)), after: way)
        case 2:
            _ = act(exchange)
            answer(exchange, .failure(.lost(curlCode: 0)), after: .max)
        default: answer(exchange, act(exchange), after: way + between(1000...14_000))
        }
    }

    /// Schedules the answer; what comes after the deadline is heard only where it is listened for.
    private func answer(
        _ exchange: Exchange, _ answer: Exchange.Answer, after milliseconds: Int64
    ) {
        let moment = clock.now.addingReportingOverflow(milliseconds)
        if exchange.kind == .refresh { expectAnswer(exchange, moment.partialValue) }
        if exchange.request.isListenedTo, moment.overflow || moment.partialValue >= exchange.overdue
        {
            queue.add(max(exchange.overdue, clock.now)) { [self] in
                guard exchange.isOpen else { return }
                exchange.request.tellOverdue()
                settle()
            }
        }
        if moment.overflow || moment.partialValue >= exchange.deadline {
            queue.add(max(exchange.deadline, clock.now)) { [self] in
                deliver(exchange, .failure(.deadlineExceeded))
            }
        } else {
            queue.add(moment.partialValue) { [self] in deliver(exchange, answer) }
        }
    }

    /// The answer is heard, if its process lives.
    private func deliver(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard exchange.isOpen, let incarnation else { return }
        close(exchange, incarnation.network)
        if exchange.kind == .refresh { noteAnswer(exchange, answer) }
        let divisor: Int64 = scenario.sabotage == .hurries ? 2 : 1
        exchange.request.answer(
            Exchange.reply(answer, exchange.provider.temper, hurriedBy: divisor))
        if case .tokens = answer, exchange.kind == .refresh,
            below(10_000) < ambushesPerTenThousand
        {
            disconnect(exchange.subject)
        }
        settle()
    }

    /// Disconnects at the worst moments, in ten thousand requests.
    private var ambushesPerTenThousand: Int {
        clock.now < faultsEnd ? scenario.singleFaultsPerThousand * 2 : 0
    }

    /// Nobody waits for this exchange any more.
    func close(_ exchange: Exchange, _ network: VirtualNetwork) {
        network.settle(exchange)
        guard exchange.kind == .refresh else { return }
        exchange.provider.inFlight -= 1
        subjects[exchange.subject].inFlight -= 1
    }
}
