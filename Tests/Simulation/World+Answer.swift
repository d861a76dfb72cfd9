// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// What comes back, and when: in time, while it is listened for, or too late.
extension World {
    /// Schedules an answer that is certain now.
    func reply(_ exchange: Exchange, _ answer: Exchange.Answer, after milliseconds: Int64) {
        let moment = clock.now.addingReportingOverflow(milliseconds)
        if exchange.kind == .refresh { expectAnswer(exchange, moment.partialValue) }
        if moment.overflow || moment.partialValue >= exchange.deadline {
            scheduleDeadline(exchange)
        }
        guard !moment.overflow else { return }
        queue.add(moment.partialValue) { [self] in arrived(exchange, answer) }
    }

    /// Schedules an answer that the provider gives when it has acted: now, or only then.
    func replyLate(_ exchange: Exchange, after milliseconds: Int64) {
        guard scenario.has(.lateAnswers), below(2) == 0 else {
            return reply(exchange, act(exchange), after: milliseconds)
        }
        let moment = clock.now + milliseconds
        if exchange.kind == .refresh { expectAnswer(exchange, moment) }
        if moment >= exchange.deadline { scheduleDeadline(exchange) }
        queue.add(moment) { [self] in actLate(exchange) }
    }

    /// The provider acts, whoever still waits for it; but where the vault is told that it may hang
    /// up, one that has waited in vain is seen to be gone.
    private func actLate(_ exchange: Exchange) {
        guard exchange.isOpen || exchange.provider.temper.isListenedTo else { return }
        let owner = exchange.form.refresh?.owner
        let before = owner.map { grants[$0].end }
        let answer = act(exchange)
        // It has acted by replacing the token, or by ending a grant whose token was replaced since.
        let hasEnded = owner.map { grants[$0].end } != before
        if !exchange.isOpen, exchange.hasActed || hasEnded, exchange.kind == .refresh {
            outcome.lostAnswers += 1
        }
        arrived(exchange, answer)
    }

    /// The provider answers again: those too that it let wait.
    func answerStalled(_ provider: VirtualProvider) {
        let stalled = provider.stalled
        provider.stalled = []
        for exchange in stalled {
            after(between(100...5000)) { [self] in actLate(exchange) }
        }
    }

    /// At the deadline a request is given up, or listened to further.
    func scheduleDeadline(_ exchange: Exchange) {
        queue.add(max(exchange.deadline, clock.now)) { [self] in
            inProcess { [self] in meetDeadline(exchange) }
        }
    }

    private func meetDeadline(_ exchange: Exchange) {
        guard exchange.isOpen else { return }
        guard exchange.listenEnd > clock.now, scenario.sabotage != .hangsUp else {
            return deliver(exchange, .failure(.deadlineExceeded))
        }
        beginListening(exchange)
        if scenario.sabotage != .tellsNobody { exchange.request.tellOverdue() }
        settle()
        queue.add(exchange.listenEnd) { [self] in
            inProcess { [self] in deliver(exchange, .failure(.deadlineExceeded)) }
        }
    }

    /// The answer is at the machine, whoever waits for it.
    private func arrived(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard standstill?.kind != .machine else { return missed(exchange, answer) }
        noteArrival(exchange, answer)
        guard standstill != nil else { return deliver(exchange, answer) }
        standstill?.answers.append { [self] in deliver(exchange, answer) }
    }

    /// A machine that is suspended takes nothing: it comes again a moment after, or never.
    private func missed(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard let began = standstill?.began else { return }
        standstill?.actions.append { [self] in
            guard clock.now - began < Standstill.connectionMilliseconds else {
                return deliver(exchange, .failure(.lost(curlCode: 56)))
            }
            after(between(1...3000)) { [self] in arrived(exchange, answer) }
        }
    }

    /// The answer is heard, if its process lives and has not given up.
    func deliver(_ exchange: Exchange, _ answer: Exchange.Answer) {
        guard exchange.isOpen, let incarnation, incarnation.number == exchange.process else {
            return
        }
        if case .tokens = answer, exchange.isOverdue { outcome.heardLate += 1 }
        close(exchange, incarnation.network)
        if exchange.kind == .refresh { noteAnswer(exchange, answer) }
        if case .tokens(let access, _) = answer, exchange.kind == .code {
            noteExpiry(exchange, access)
            acceptProof(exchange)
        }
        let divisor: Int64 = scenario.sabotage == .hurries ? 2 : 1
        let isHidden = scenario.sabotage == .hidesRefusals && exchange.meaning != .nothing
        let before = health(exchange.provider)
        exchange.request.answer(
            Exchange.reply(
                isHidden ? .status(500, retryAfterSeconds: nil) : answer,
                exchange.provider.temper, hurriedBy: divisor))
        judgeBreaker(exchange, answer, before: before)
        if case .tokens = answer, exchange.kind == .refresh,
            below(10_000) < ambushesPerTenThousand
        {
            disconnect(exchange.subject)
        }
        settle()
    }
}
