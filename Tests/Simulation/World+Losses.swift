// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// Grants that are over, grants that are risked, and answers of which nobody can make anything.
extension World {
    /// How long a grant that is over is left alone, in milliseconds, less the least jitter.
    static let deadMilliseconds: Int64 = 3_600_000
    /// The same of one that was asked for again since others have succeeded.
    static let provenMilliseconds: Int64 = 86_400_000

    /// A refusal was heard.
    func noteRefusal(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard Self.refuses(answer) else {
            // It was asked, and nobody knows what it was told.
            if let owner = exchange.form.refresh?.owner {
                (grants[owner].refused, grants[owner].reprieved) = (.min, .min)
            }
            return
        }
        guard let owner = exchange.form.refresh?.owner else { return }
        if exchange.meaning != .nothing {
            exchange.provider.refusedInARow += 1
            exchange.provider.refused = clock.now
        }
        switch exchange.meaning {
        case .nothing: return
        case .loss:
            if exchange.provider.temper.dialect.loss != .standard, grants[owner].refused == .min {
                scheduleReplacement(exchange.subject, owner)
            }
            grants[owner].refused = clock.now
            exchange.provider.refuse(exchange.subject, exchange.started, clock.now)
        case .rejection:
            if exchange.provider.temper.dialect.rejection == .burns {
                scheduleReplacement(exchange.subject, owner)
            }
            // Of one that was refused before nothing is learnt.
            guard !exchange.provider.risk.isHeard, !exchange.isExpected,
                grants[owner].refused == .min
            else { return }
            exchange.provider.risk.isHeard = true
            if exchange.provider.risk.heard == .min { exchange.provider.risk.heard = clock.now }
            exchange.provider.risk.allowed +=
                exchange.provider.inFlight + exchange.provider.listeners
        }
    }

    /// Tokens came: the provider takes the application.
    func acceptProof(_ exchange: Exchange) {
        let owner = (exchange.form.refresh ?? exchange.form.code)?.owner ?? -1
        exchange.provider.accept(exchange.subject, owner, exchange.started, clock.now)
    }

    private static func refuses(_ answer: Exchange.Answer) -> Bool {
        switch answer {
        case .error, .text: true
        default: false
        }
    }

    /// Whether a refusal says nothing of the application: by the provider's limits the grant is
    /// over, or was by what another clock wrote; or an answer was lost before, and perhaps the
    /// grant with it.
    func isExpected(_ exchange: Exchange, _ owner: Int) -> Bool {
        let (temper, grant) = (exchange.provider.temper, grants[owner])
        if grant.end == .idle || grant.end == .age { return true }
        if temper.idleMilliseconds != nil, grant.used <= clockWrong { return true }
        if temper.ageMilliseconds != nil, grant.issued <= clockWrong { return true }
        let key = subjects[exchange.subject].key
        return temper.isListenedTo && disk.doubts.count { $0.attempt.key == key } > 1
    }

    /// A refresh token was used up over a wrong client secret.
    func judgeBurnt(_ exchange: Exchange, _ owner: Int) {
        outcome.burnt += 1
        // Whoever disconnects wants it to end; and what a process that died has sent was sent
        // before anybody could know.
        if exchange.isExpected || exchange.isCutOff || grants[owner].isDisconnected { return }
        exchange.provider.risk.burnt += 1
        exchange.provider.risk.owners.append(owner)
        let (risk, allowed) = (exchange.provider.risk, exchange.provider.risksAllowed(clock.now))
        guard risk.isHeard, risk.burnt > allowed else { return }
        violated(
            .grantsRisked, exchange.subject,
            "provider \(exchange.provider.index): \(risk.burnt) of \(allowed)")
    }

    /// A success that cannot be used was heard.
    func noteUnread(_ exchange: Exchange) {
        outcome.unread += 1
        guard let shown = exchange.form.refresh, exchange.provider.temper.isListenedTo else {
            return
        }
        note(exchange.subject, .unread, shown.serial)
        grants[shown.owner].unreadSerial = shown.serial
        scheduleReplacement(exchange.subject, shown.owner)
    }

    /// The process ended while a request was out: the next one does not know what became of it.
    func noteCutOff(_ exchange: Exchange) {
        guard exchange.kind == .refresh else { return }
        outcome.crashedInFlight += 1
        exchange.isCutOff = true
        if let owner = exchange.form.refresh?.owner { exchange.provider.risk.clearRefusals(owner) }
        // It was asked, and nobody knows what it was told.
        if let owner = exchange.form.refresh?.owner {
            (grants[owner].refused, grants[owner].reprieved) = (.min, .min)
        }
        guard let shown = exchange.form.refresh, let admitted = exchange.admitted,
            exchange.provider.temper.isListenedTo
        else { return }
        let temper = exchange.provider.temper
        // What the next process goes by; a request is handed over soon after, or recorded anew.
        let written = disk.doubts.last { $0.attempt.key == subjects[exchange.subject].key }
        let recorded = max(
            written.map { $0.recorded.milliseconds - lastOffset } ?? admitted,
            exchange.started - UpkeepState.recordMillisecondsMax)
        var wait = Self.doubtMillisecondsMin
        if temper.saysLifetime, !temper.saysRefreshLifetime, temper.idleMilliseconds == nil,
            temper.ageMilliseconds == nil, lastOffset == 0,
            subjects[exchange.subject].accessSince > clockWrong
        {
            let (expiry, counted) = (
                subjects[exchange.subject].accessExpiry, subjects[exchange.subject].counted
            )
            let death = counted.accessExpiry == expiry ? counted.expiry : expiry
            let last = death - Self.doubtLeadMilliseconds
            wait = max(wait, min(last - recorded, Self.doubtMillisecondsMax))
        }
        let end = recorded + min(1000 * temper.listenSeconds, wait)
        grants[shown.owner].cutOff = (shown.serial, end, lastOffset)
    }

    /// How long the next process waits for it, in milliseconds: until so long before its access
    /// token's death, between the least and the most.
    static let doubtMillisecondsMin: Int64 = 45_000
    static let doubtMillisecondsMax: Int64 = 300_000
    static let doubtLeadMilliseconds: Int64 = 60_000

    /// Whether a success lies there that nobody can use: then the refresh token that it was the
    /// answer to is not presented again, and the connection waits for somebody who knows better.
    func isUnread(_ subject: Subject) -> Bool {
        subject.grant >= 0 && grants[subject.grant].unreadSerial == subject.refreshSerial
    }

    /// A refresh token was presented that was presented before.
    func judgeRepeated(_ exchange: Exchange, _ shown: TokenText) {
        let (index, grant) = (exchange.subject, grants[shown.owner])
        let temper = exchange.provider.temper
        if shown.serial < grant.arrivedSerial, temper.rotates, temper.graceMilliseconds == 0 {
            violated(
                .answerIgnored, index, "\(shown.text), and number \(grant.arrivedSerial) had come")
        }
        let started = incarnation?.started ?? clock.now
        if scenario.has(.lateAnswers), shown.serial == grant.cutOff.serial,
            clock.now < grant.cutOff.end, incarnation?.offset == grant.cutOff.offset
        {
            violated(
                .doubtRushed, index, "\(shown.text), \(clock.now - started) ms after the start")
        }
        if shown.serial == grant.unreadSerial {
            violated(.unreadPresentedAgain, index, shown.text)
        }
        if grant.end != nil, grant.refused > .min { judgeDeadAsked(exchange, shown) }
    }

    /// A grant that is over was asked for again. Once its access token has expired that is once an
    /// hour at most, but that others' successes at the same endpoint are a reason to look again.
    private func judgeDeadAsked(_ exchange: Exchange, _ shown: TokenText) {
        let (index, grant) = (exchange.subject, grants[shown.owner])
        outcome.deadAsked += 1
        // What could not be written down is asked once more.
        guard disk.room == .enough, roomSince < grant.refused, incarnation?.offset == 0,
            clock.now < subjects[index].plausibleSince
        else { return }
        // It was refused again after others had succeeded, and this process knows.
        let provider = exchange.provider
        let isProven =
            grant.reprieved > max(provider.changed, incarnation?.started ?? .max)
            && grant.refused > grant.reprieved
        let pause = isProven ? Self.provenMilliseconds : Self.deadMilliseconds
        guard subjects[index].asked < grant.refused, clock.now < grant.refused + pause,
            looksExpired(index)
        else { return }
        // Of what another clock wrote nobody knows when it was.
        guard min(grant.used, grant.refused) > clockWrong else { return }
        // An application that seems to be rejected is tried with one of those that were refused.
        // A process that begins tries at once.
        let started = incarnation?.started ?? .min
        let probed =
            started > provider.refused
            ? started : provider.refused + ApplicationQueue.probeMilliseconds
        if provider.refusedInARow > 1, clock.now >= probed { return }
        if provider.changed >= grant.refused { return }
        // Once more, where something has come to work since.
        let isFirst = grant.reprieved == .min || grant.reprieved < provider.changed
        if isFirst, provider.succeeded >= grant.refused {
            grants[shown.owner].reprieved = clock.now
        } else {
            violated(
                .deadGrantAsked, index,
                "\(shown.text), \(clock.now - grant.refused) ms after it was refused")
        }
    }

    /// Whether its access token has expired, as far as the vault can know: until then it is asked
    /// more often.
    private func looksExpired(_ index: Int) -> Bool {
        let temper = providers[subjects[index].provider].temper
        let expiry = subjects[index].accessExpiry
        let given = expiry - temper.lifetimeMilliseconds
        let stored = subjects[index].accessSince
        let since = stored - given > Recovery.storedMilliseconds ? stored : given
        let known = temper.saysLifetime ? expiry : since + 3_600_000
        let isAlone = providers[subjects[index].provider].isSuspect
        return clock.now >= known + (isAlone ? Self.aloneMilliseconds : Self.queuedMilliseconds)
    }

    /// How long one that was due before it expired may have waited for its place; and where there
    /// is one at a time.
    static let queuedMilliseconds: Int64 = 600_000
    static let aloneMilliseconds: Int64 = 3_600_000

    /// The user sees that it does not work any more, and connects again over it.
    func scheduleReplacement(_ index: Int, _ owner: Int) {
        let hour: Int64 = 3_600_000
        let longest = max(2 * hour, Int64(scenario.hours) * hour / 12)
        after(between(hour / 2...longest)) { [self] in
            guard subjects[index].grant == owner, clock.now < faultsEnd else { return }
            guard subjects[index].isConnected, !subjects[index].isBusy else {
                return scheduleReplacement(index, owner)
            }
            replace(index)
            if subjects[index].grant == owner { scheduleReplacement(index, owner) }
        }
    }

    /// A request left, and its process must not be closing.
    func judgeSending(_ exchange: Exchange) {
        guard let incarnation, incarnation.number == exchange.process else { return }
        if !incarnation.isRunning || incarnation.isDraining && exchange.kind == .refresh {
            violated(.sentWhileClosing, exchange.subject, exchange.request.url)
        }
    }
}
