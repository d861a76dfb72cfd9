// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// What the vault sends, against what it should.
extension World {
    /// A refresh was handed to the transport.
    func judgeRefresh(_ exchange: Exchange) {
        let index = exchange.subject
        let provider = exchange.provider
        subjects[index].inFlight += 1
        if let shown = exchange.form.refresh { judgeAlone(index, shown) }
        judgeListeners(exchange)
        let isInRate = provider.count(at: clock.now)
        judgeSilence(exchange)
        if provider.inFlight > provider.temper.concurrencyMax { reap() }
        if !isInRate || provider.inFlight > provider.temper.concurrencyMax {
            let temper = provider.temper
            violated(
                .limitExceeded, index,
                "provider \(provider.index): \(provider.inFlight) of \(temper.concurrencyMax) "
                    + "in flight, at most \(temper.perSecondMax) a second")
        }
        if clock.now < provider.rejectedUntil {
            violated(
                .retriedTooSoon, index,
                "\(provider.rejectedUntil - clock.now) ms before the application's next probe")
        }
        let subject = subjects[index]
        if subject.isStored, subject.state == ConnectionState.failed.rawValue {
            violated(.askedAfterLoss, index, "grant \(subject.grant)")
        }
        guard subject.hasFailed, subject.asked < subject.failedAt,
            !subject.isRefused
                || max(provider.succeeded, provider.changed) < subject.failedAt
        else { return }
        let earliest = max(
            subject.failedAt
                + Recovery.backOffMilliseconds(subject.recentFailures, provider.temper) / 2,
            subject.retryAfter)
        if clock.now < earliest {
            violated(.retriedTooSoon, index, "\(earliest - clock.now) ms before its time")
        }
    }

    /// One request for one refresh token at a time.
    private func judgeAlone(_ index: Int, _ shown: TokenText) {
        guard grants[shown.owner].begin(shown.serial) > 1 else { return }
        grants[shown.owner].end(shown.serial)
        reap()
        let count = grants[shown.owner].begin(shown.serial)
        if count > 1 { violated(.twoInFlight, index, "\(count) requests with \(shown.text)") }
    }

    /// Requests that were taken back before their first byte are in flight no longer.
    func reap() {
        guard let network = incarnation?.network else { return }
        for exchange in network.open where exchange.isOpen && exchange.request.isAnswered {
            close(exchange, network)
        }
    }

    /// A refresh token left this machine.
    func judgePresented(_ exchange: Exchange) {
        let index = exchange.subject
        let subject = subjects[index]
        guard let shown = exchange.form.refresh else { return }
        note(index, .presented, shown.serial)
        if incarnation?.store.hasAttempt(of: subject.key) != true {
            violated(.unrecorded, index, shown.text)
        }
        if subject.isFenced || grants[shown.owner].isDisconnected {
            violated(.usedAfterDisconnect, index, "\(shown.text) was presented")
        }
        guard shown.owner == subject.receivedGrant else {
            violated(
                .oldTokenPresented, index,
                "\(shown.text) of another grant than \(subject.receivedGrant)")
            return
        }
        if shown.serial < subject.receivedSerial {
            violated(
                .oldTokenPresented, index, "\(shown.text) after number \(subject.receivedSerial)")
        }
        judgeRepeated(exchange, shown)
    }

    /// An answer to a refresh reached the process.
    func noteAnswer(_ exchange: Exchange, _ answer: Exchange.Answer) {
        let index = exchange.subject
        noteSilence(exchange, answer)
        switch answer {
        case .tokens(let access, let refresh):
            noteExpiry(exchange, access)
            noteTokens(exchange, refresh)
        case .error(401, _):
            // The application's fault, not the connection's: one of them probes, again and again.
            note(index, .failed, 401)
            noteRefusal(exchange, answer)
            exchange.provider.failed += 1
            // Of a secret that was replaced meanwhile: nothing to the new one.
            if exchange.form.secret?.serial == exchange.provider.knownSecretSerial {
                exchange.provider.rejectedUntil = clock.now + ApplicationQueue.probeMilliseconds
            }
        default:
            note(index, .failed, exchange.hasActed ? 1 : 0)
            noteRefusal(exchange, answer)
            if case .unusable = answer { noteUnread(exchange) }
            if exchange.hasActed { outcome.lostAnswers += 1 }
            exchange.provider.failed += 1
            // Who says so of a grant takes the application.
            if case .error(400, "invalid_grant") = answer { exchange.provider.rejectedUntil = 0 }
            // Of tokens or a secret that were replaced meanwhile: nothing to the new ones.
            let isCurrent =
                exchange.form.refresh?.owner == subjects[index].receivedGrant
                && exchange.form.secret?.serial == exchange.provider.knownSecretSerial
            if isCurrent { judgeFailure(exchange, answer) }
            noteProbe(exchange.provider)
        }
    }

    /// A request failed, or is overdue. Right after an outage it may have been the probe: then it
    /// is as if the outage went on.
    func noteProbe(_ provider: VirtualProvider) {
        let since = max(provider.healthySince, uplinkSince, thawed)
        if provider.isHealthy, clock.now < since + recovery(provider) {
            provider.healthySince = clock.now
        }
    }

    /// The vault counts a token's life from the moment at which it asked.
    func noteExpiry(_ exchange: Exchange, _ access: TokenText) {
        let lifetime = exchange.provider.temper.lifetimeMilliseconds
        subjects[exchange.subject].counted = (access.serial, exchange.started + lifetime)
    }

    private func noteTokens(_ exchange: Exchange, _ refresh: TokenText?) {
        let index = exchange.subject
        note(index, .received, refresh?.serial ?? 0)
        subjects[index].forgetFailures()
        exchange.provider.rejectedUntil = 0
        exchange.provider.refusedInARow = 0
        acceptProof(exchange)
        guard let refresh else { return }
        if refresh.owner == subjects[index].receivedGrant {
            subjects[index].receivedSerial = max(subjects[index].receivedSerial, refresh.serial)
        }
        if grants[refresh.owner].isDisconnected {
            outcome.lateAnswers += 1
            expectRevocation(refresh)
        }
    }

    /// A failure of one connection's own, as far as it counts.
    private func judgeFailure(_ exchange: Exchange, _ answer: Exchange.Answer) {
        let index = exchange.subject
        if case .error = answer { subjects[index].endDoubt() }
        subjects[index].countFailure(
            leavesDoubt: answer.leavesDoubt && exchange.provider.temper.graceMilliseconds > 0)
        subjects[index].failedAt = clock.now
        subjects[index].isRefused = exchange.meaning != .nothing
        subjects[index].retryAfter = 0
        if case .status(_, let seconds) = answer, let seconds {
            subjects[index].retryAfter = clock.now + seconds * 1000
        }
        let trouble = recovery(
            exchange.provider, failures: subjects[index].failures,
            retryAfter: subjects[index].retryAfter)
        subjects[index].troubleEnd = max(subjects[index].troubleEnd, trouble)
    }

    /// Whoever waits for an answer that is slow cannot be faster than it.
    func expectAnswer(_ exchange: Exchange, _ moment: Int64) {
        let heard = moment < clock.now ? exchange.listenEnd : min(moment, exchange.listenEnd)
        let end = heard + Recovery.requestMilliseconds(exchange.provider.temper)
        subjects[exchange.subject].troubleEnd = max(subjects[exchange.subject].troubleEnd, end)
    }

    /// Tokens that came for a connection that is gone must be revoked while the process lives.
    func expectRevocation(_ refresh: TokenText) {
        let owner = refresh.owner
        guard providers[grants[owner].provider].temper.hasRevocation else { return }
        let number = incarnations
        after(Self.revocationMilliseconds) { [self] in
            guard number == incarnations, incarnation?.isRunning == true,
                disk.room == .enough, clock.now - roomSince > Self.revocationMilliseconds
            else { return }
            if grants[owner].revocationSerial < refresh.serial {
                violated(.lateAnswerKept, grants[owner].subject, "\(refresh.text) lives on")
            }
        }
    }

    /// The refresh token is asked for first, each request with its own deadline.
    static let revocationMilliseconds: Int64 = 30_000

    /// A token was lent to the platform.
    func judgeLent(_ index: Int, _ token: TokenText?, _ incarnation: Incarnation) {
        let subject = subjects[index]
        outcome.lent += 1
        guard let token, token.kind == .access else {
            return violated(.lentUnfit, index, "something that is no token")
        }
        note(index, .lent, token.serial)
        if subject.isFenced || !subject.isStored || grants[token.owner].isDisconnected {
            violated(.usedAfterDisconnect, index, "\(token.text) was lent")
        } else if token.owner != subject.grant || token.serial != subject.accessExpiry {
            violated(.lentUnfit, index, "\(token.text) is not the durable one")
        } else if incarnation.offset == 0, token.serial <= clock.now,
            clock.now < subject.plausibleSince, providers[subject.provider].temper.saysLifetime
        {
            violated(.lentUnfit, index, "\(token.text) expired \(clock.now - token.serial) ms ago")
        }
    }
}
