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
            started: clock.now, process: incarnations)
        outcome.requests += 1
        switch kind {
        case .refresh:
            judgeRefresh(exchange)
            tryUplink()
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
        after(delay) { [self] in inProcess { [self] in admit(exchange) } }
        return exchange
    }

    /// The first byte leaves, unless the request was taken back.
    private func admit(_ exchange: Exchange) {
        guard exchange.isOpen else { return }
        if exchange.provider.mode == .refusing || uplink == .down {
            after(between(1...50)) { [self] in
                deliver(exchange, .failure(.unreachable(curlCode: 7)))
            }
            return
        }
        guard exchange.request.markSent() else {
            if let network = incarnation?.network { close(exchange, network) }
            return
        }
        exchange.admitted = clock.now
        judgeSending(exchange)
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
        guard uplink == .up else { return stall(exchange) }
        switch exchange.provider.mode {
        case .refusing: reply(exchange, .failure(.lost(curlCode: 56)), after: way)
        case .unavailable(let seconds):
            if let seconds { welcomed(exchange.provider, seconds) }
            reply(exchange, .status(503, retryAfterSeconds: seconds), after: way)
        case .throttling(let seconds):
            welcomed(exchange.provider, seconds)
            reply(exchange, .status(429, retryAfterSeconds: seconds), after: way)
        case .hanging: stall(exchange)
        case .slow:
            let longest: Int64 = scenario.has(.lateAnswers) ? 60_000 : 20_000
            replyLate(exchange, after: way + between(1000...longest))
        case .healthy: arriveHealthy(exchange, way)
        }
    }

    /// Nobody may come before this moment.
    private func welcomed(_ provider: VirtualProvider, _ seconds: Int64) {
        provider.retryAfter = max(provider.retryAfter, clock.now + seconds * 1000)
    }

    /// It is taken, and nothing comes back; of some, when the provider is well again.
    private func stall(_ exchange: Exchange) {
        if scenario.has(.lateAnswers), below(2) == 0 { exchange.provider.stalled.append(exchange) }
        expectAnswer(exchange, .max)
        scheduleDeadline(exchange)
    }

    private func arriveHealthy(_ exchange: Exchange, _ way: Int64) {
        if scenario.sabotage == .endsGrants, exchange.kind == .refresh, below(20) == 0 {
            return reply(exchange, .error(400, "invalid_grant"), after: way)
        }
        let isFaulty =
            clock.now < faultsEnd && below(1000) < scenario.singleFaultsPerThousand
        guard isFaulty else { return reply(exchange, act(exchange), after: way) }
        switch below(scenario.has(.lateAnswers) ? 8 : scenario.has(.unreadSuccesses) ? 5 : 4) {
        case 0: reply(exchange, .status(500, retryAfterSeconds: nil), after: way)
        case 1:
            _ = act(exchange)
            reply(exchange, .failure(.lost(curlCode: 56)), after: way)
        case 2:
            _ = act(exchange)
            reply(exchange, .failure(.lost(curlCode: 0)), after: .max)
        case 3: reply(exchange, act(exchange), after: way + between(1000...14_000))
        case 4: replyUnusable(exchange, after: way)
        default: beLate(exchange, way)
        }
    }

    /// An answer after the deadline, most of them in the time in which it is listened for; or the
    /// connection ends in that time.
    private func beLate(_ exchange: Exchange, _ way: Int64) {
        let listening = exchange.provider.temper.listenSeconds * 1000
        switch below(6) {
        case 0: replyLate(exchange, after: way + 20_000)
        case 1: replyLate(exchange, after: way + 40_000)
        case 2, 3: replyLate(exchange, after: way + between(16_000...listening - 1000))
        case 4: replyLate(exchange, after: listening + between(1000...600_000))
        default:
            if below(2) == 0 { _ = act(exchange) }
            reply(exchange, .failure(.lost(curlCode: 56)), after: between(16_000...listening))
        }
    }

    /// A success of which the vault can make nothing.
    private func replyUnusable(_ exchange: Exchange, after way: Int64) {
        let answer = act(exchange)
        guard scenario.has(.unreadSuccesses), exchange.kind == .refresh,
            case .tokens(let access, let refresh) = answer
        else { return reply(exchange, answer, after: way) }
        let isPage = below(2) == 0
        reply(exchange, isPage ? .page : .unusable(access: access, refresh: refresh), after: way)
    }

    /// Disconnects at the worst moments, in ten thousand requests.
    var ambushesPerTenThousand: Int {
        clock.now < faultsEnd ? scenario.singleFaultsPerThousand * 2 : 0
    }

    /// Nobody waits for this exchange any more.
    func close(_ exchange: Exchange, _ network: VirtualNetwork) {
        network.settle(exchange)
        guard exchange.kind == .refresh else { return }
        subjects[exchange.subject].inFlight -= 1
        if let shown = exchange.form.refresh { grants[shown.owner].end(shown.serial) }
        if isLate(exchange), isStuck(exchange.provider, beside: 1) {
            exchange.provider.unstuckSince = clock.now
        }
        if exchange.isOverdue { endListening(exchange) } else { exchange.provider.inFlight -= 1 }
    }
}
