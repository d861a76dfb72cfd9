// SPDX-License-Identifier: Apache-2.0

// What a provider does with a request that reached it while it was well.
extension World {
    func act(_ exchange: Exchange) -> Exchange.Answer {
        let provider = exchange.provider
        guard
            let owner = (exchange.form.refresh ?? exchange.form.access ?? exchange.form.code)?.owner
        else { return .error(400, "invalid_request") }
        guard exchange.form.secret?.serial == provider.secretSerial else {
            return reject(owner, exchange)
        }
        age(owner)
        switch exchange.kind {
        case .revocation:
            if grants[owner].isAlive { grants[owner].end = .revoked }
            note(exchange.subject, .revoked, Int64(owner))
            return .done
        case .code: return tokens(owner, exchange)
        case .refresh: return refresh(owner, exchange)
        }
    }

    /// The client secret is wrong; some look at the refresh token all the same.
    private func reject(_ owner: Int, _ exchange: Exchange) -> Exchange.Answer {
        let dialect = exchange.provider.temper.dialect
        exchange.meaning = .rejection
        age(owner)
        exchange.isExpected = isExpected(exchange, owner)
        if dialect.rejection == .burns, exchange.kind == .refresh, grants[owner].isAlive {
            grants[owner].end = .burnt
            note(exchange.subject, .burnt, Int64(owner))
            judgeBurnt(exchange, owner)
        }
        return dialect.rejected
    }

    /// The grant is over.
    private func lost(_ exchange: Exchange) -> Exchange.Answer {
        exchange.meaning = .loss
        return exchange.provider.temper.dialect.lost
    }

    private func refresh(_ owner: Int, _ exchange: Exchange) -> Exchange.Answer {
        guard grants[owner].isAlive, let shown = exchange.form.refresh else {
            note(exchange.subject, .refused, Int64(owner))
            return lost(exchange)
        }
        let temper = exchange.provider.temper
        guard temper.rotates else { return tokens(owner, exchange) }
        if shown.serial == grants[owner].refreshSerial {
            if temper.rotation == .sometimes, below(3) > 0 {
                return tokens(owner, exchange, isRotated: false)
            }
            grants[owner].refreshSerial += 1
            grants[owner].replaced = clock.now
            return tokens(owner, exchange)
        }
        let isJustReplaced =
            shown.serial == grants[owner].refreshSerial - 1
            && clock.now - grants[owner].replaced < temper.graceMilliseconds
        guard isJustReplaced else {
            if temper.graceMilliseconds > 0 {
                judgeMissed(
                    owner, death: grants[owner].replaced + temper.graceMilliseconds,
                    "its token was presented again")
            }
            grants[owner].end = .reuse
            note(exchange.subject, .reuse, shown.serial)
            return lost(exchange)
        }
        return tokens(owner, exchange)
    }

    private func tokens(
        _ owner: Int, _ exchange: Exchange, isRotated: Bool = true
    ) -> Exchange.Answer {
        exchange.hasActed = true
        exchange.provider.succeeded = clock.now
        grants[owner].used = clock.now
        note(exchange.subject, .acted, grants[owner].refreshSerial)
        let temper = exchange.provider.temper
        let access = TokenText(.access, owner, clock.now + temper.lifetimeMilliseconds)
        let isNew = temper.rotates && isRotated || exchange.kind == .code
        let refresh = isNew ? TokenText(.refresh, owner, grants[owner].refreshSerial) : nil
        return .tokens(access: access, refresh: refresh)
    }

    /// Ends a grant that was not used for too long, or is too old.
    func age(_ owner: Int) {
        guard grants[owner].isAlive else { return }
        let temper = providers[grants[owner].provider].temper
        if let idle = temper.idleMilliseconds, clock.now - grants[owner].used > idle {
            judgeMissed(owner, death: grants[owner].used + idle, "it was idle")
            grants[owner].end = .idle
        } else if let age = temper.ageMilliseconds, clock.now - grants[owner].issued > age {
            grants[owner].end = .age
        }
    }

    /// A user consents.
    func consent(_ subject: Int, issued: Int64) -> Int {
        grants.append(
            Grant(
                subject: subject, provider: subjects[subject].provider, issued: issued,
                used: clock.now))
        return grants.count - 1
    }
}
