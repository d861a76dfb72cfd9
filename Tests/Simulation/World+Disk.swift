// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// What became durable, against what may.
extension World {
    func becameDurable(_ change: Disk.DurableChange) {
        switch change {
        case .written(let key, let plaintext, let isFence):
            guard let index = subjectOfKey[key] else { return }
            let record = TokenText.Record(plaintext)
            if isFence { fenceBecameDurable(index) } else { recordBecameDurable(index, record) }
        case .erased(let key):
            guard let index = subjectOfKey[key] else { return }
            note(index, .erased, 0)
            subjects[index].isStored = false
            subjects[index].isFenced = false
            subjects[index].state = 0
            subjects[index].grant = -1
            subjects[index].receivedGrant = -1
            subjects[index].life += 1
            scheduleReconnect(index)
        case .registered(let key, let plaintext):
            let record = TokenText.Record(plaintext, isApplication: true)
            if let secret = record.clientSecret { secretBecameDurable(key, secret) }
        }
    }

    /// The vault has a client secret; from its change on only so many grants are risked with it.
    private func secretBecameDurable(_ key: RecordKey, _ secret: TokenText) {
        let provider = providers[secret.owner]
        guard secret.serial != provider.knownSecretSerial else { return }
        provider.knownSecretSerial = secret.serial
        provider.noteChange(clock.now)
        provider.rejectedUntil = 0
        provider.risk = VirtualProvider.Risk()
    }

    private func fenceBecameDurable(_ index: Int) {
        note(index, .fenced, 0)
        subjects[index].isFenced = true
        let owner = subjects[index].grant
        guard owner >= 0 else { return }
        grants[owner].isDisconnected = true
        providers[subjects[index].provider].risk.clearRefusals(owner)
        // Received, not yet durable: it cannot be stored any more.
        if subjects[index].receivedGrant == owner,
            subjects[index].receivedSerial > subjects[index].refreshSerial
        {
            expectRevocation(TokenText(.refresh, owner, subjects[index].receivedSerial))
        }
    }

    private func recordBecameDurable(_ index: Int, _ record: TokenText.Record) {
        let before = subjects[index]
        subjects[index].isStored = true
        subjects[index].state = record.state
        guard let refresh = record.refresh, let access = record.access else { return }
        note(index, .put, refresh.serial)
        let owner = refresh.owner
        if grants[owner].isDisconnected {
            violated(.usedAfterDisconnect, index, "\(refresh.text) was stored")
        }
        if owner == before.grant, refresh.serial < before.refreshSerial {
            violated(.oldTokenPresented, index, "\(refresh.text) was stored over a newer one")
        }
        subjects[index].grant = owner
        subjects[index].refreshSerial = refresh.serial
        subjects[index].accessExpiry = access.serial
        if subjects[index].receivedGrant != owner {
            subjects[index].receivedGrant = owner
            subjects[index].receivedSerial = refresh.serial
            subjects[index].forgetFailures()
        }
        if record.state == ConnectionState.failed.rawValue {
            if before.state != record.state { lossBecameDurable(index, owner) }
            return
        }
        guard access.serial != before.accessExpiry || before.grant != owner else { return }
        subjects[index].accessSince = clock.now
        if before.grant == owner { outcome.refreshes += 1 }
        // Times count from the request, and a little of the future is believed.
        let ahead = incarnation?.offset ?? 0
        let believed =
            clock.now + ahead - RefreshPolicy.clockToleranceMilliseconds
            - Int64(TransportRequest.deadlineMillisecondsDefault)
        subjects[index].plausibleSince = ahead > 0 ? believed : .max
        queue.add(access.serial) { [self] in checkExpiry(index, access.serial) }
    }

    /// The vault says that the provider ended the grant.
    private func lossBecameDurable(_ index: Int, _ owner: Int) {
        note(index, .lost, Int64(owner))
        switch grants[owner].end {
        case .none: violated(.livingDeclaredLost, index, "grant \(owner) lives")
        case .reuse: outcome.lostWithAnswer += 1
        case .user, .idle, .age, .revoked, .burnt: outcome.endedByProvider += 1
        }
        scheduleReconnect(index)
    }

    /// At the moment a stored access token expires, it must have been replaced, unless something
    /// was in the way so short a time ago that nobody could.
    private func checkExpiry(_ index: Int, _ expiry: Int64) {
        let subject = subjects[index]
        guard subject.isConnected, subject.accessExpiry == expiry, subject.grant >= 0,
            clock.now < subject.plausibleSince
        else {
            return
        }
        age(subject.grant)
        let temper = providers[subject.provider].temper
        guard grants[subject.grant].isAlive, temper.saysLifetime, !isUnread(subject) else {
            return
        }
        guard let fair = fairMoment(index, from: expiry) else {
            return after(Self.lookAgainMilliseconds) { [self] in checkExpiry(index, expiry) }
        }
        if clock.now < fair {
            return queue.add(fair) { [self] in checkExpiry(index, expiry) }
        }
        violated(
            .expiredWhileHealthy, index,
            "provider \(subject.provider), lifetime \(temper.lifetimeMilliseconds / 1000) s, "
                + "expired \(clock.now - expiry) ms ago")
    }

    /// How often a token that expired in bad times is looked at, in milliseconds.
    static let lookAgainMilliseconds: Int64 = 60_000
}
