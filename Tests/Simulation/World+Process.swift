// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// The process begins, ends in order, and dies.
extension World {
    /// How long the close of the transport awaits answers, in milliseconds.
    static let closeMilliseconds = Int64(CurlTransport.closeMillisecondsDefault)

    func startProcess() throws(VaultError) {
        incarnations += 1
        let store = SimulatedStore(
            disk,
            wait: { [unowned self] action in
                after(diskMilliseconds()) { [unowned self] in
                    inProcess { [unowned self] in
                        action()
                        settle()
                    }
                }
            },
            tell: { [unowned self] change in becameDurable(change) },
            crashes: { [unowned self] in
                guard crashesAfterGroup, clock.now < faultsEnd else { return false }
                crash()
                return true
            })
        store.acknowledgesEarly = scenario.sabotage == .acknowledgesEarly
        let transport = VirtualNetwork(ignoresClose: scenario.sabotage == .sendsClosed) {
            [unowned self] request in take(request)
        }
        let network = Network(
            transport: transport, addressGuard: AddressGuard(),
            closing: { awaitsRefreshes, _ in
                transport.awaitsRefreshes = awaitsRefreshes
                transport.close()
            })
        forgetProcess()
        crashesAfterGroup = false
        crashesInFlight = false
        let offset = nextOffset
        // Another clock: nothing that the last one wrote can be believed.
        if offset != lastOffset {
            for provider in providers {
                provider.excused += provider.temper.connections
                provider.moveClock(milliseconds: offset - lastOffset, clock.now)
            }
        }
        if offset != 0 || lastOffset != 0 { clockWrong = clock.now }
        lastOffset = offset
        let vault = try Vault(
            directory: nil, store: store, committer: store, network: network,
            time: VirtualClock.Reading(clock, offsetMilliseconds: offset),
            randomness: SeededChance(seed: random.next()), startsThread: false
        ) { [unowned self] in closeBehind(transport, store) }
        store.isImmediate = false
        disk.contents.freeSlots.sort(by: >)
        incarnation = Incarnation(
            incarnations, vault, store, transport, started: clock.now, offset: offset)
        note(-1, .start, offset)
        vault.refresher.begin()
        if scenario.sabotage != .idles { vault.refresher.run(true) }
        if storesApplicationsAtStart { for provider in providers { storeAgain(provider) } }
        settle()
    }

    /// What a platform does that knows its applications from a file: nothing is changed by it.
    private func storeAgain(_ provider: VirtualProvider) {
        perform { world, vault, _ in
            try await vault.put(
                world.application(provider, secretSerial: provider.knownSecretSerial))
        }
    }

    /// What the last process was told and did not make durable is gone with it.
    private func forgetProcess() {
        listeners = 0
        for index in subjects.indices {
            // Answered, and cut off on its way to the disk.
            if subjects[index].receivedGrant == subjects[index].grant,
                subjects[index].receivedSerial > subjects[index].refreshSerial
            {
                outcome.crashedInFlight += 1
            }
            subjects[index].receivedGrant = subjects[index].grant
            subjects[index].receivedSerial = subjects[index].refreshSerial
            subjects[index].inFlight = 0
            subjects[index].calls = []
            let grant = subjects[index].grant
            if grant >= 0 { grants[grant].forget(durable: subjects[index].refreshSerial) }
            subjects[index].forgetFailures()
            subjects[index].isBusy = false
        }
        for provider in providers {
            provider.forgetProcess { [subjects] index, grant in
                subjects[index].isConnected && subjects[index].grant == grant
            }
            provider.forgetRisks { [subjects, grants] grant in
                let subject = subjects[grants[grant].subject]
                return subject.isStored && subject.grant == grant
            }
            provider.inFlight = 0
            provider.listeners = 0
            provider.silent = 0
            provider.unblockedSince = clock.now
            provider.risk.isHeard = false
            provider.rejectedUntil = 0
            provider.excused += disk.contents.batches.count * StoreLimits.batchAttemptsMax
        }
    }

    /// A disk's time: a few milliseconds, rarely hundreds.
    private func diskMilliseconds() -> Int64 {
        below(100) == 0 ? between(50...800) : between(2...8)
    }

    /// The orderly end: answers that are out are awaited for a while, what waits becomes durable.
    ///
    /// - Returns: false where there was no process that ran.
    @discardableResult
    func shutDown() -> Bool {
        guard let leaving = incarnation, leaving.isRunning else { return false }
        leaving.isRunning = false
        leaving.vault.close()
        thread.drain()
        incarnation = nil
        return true
    }

    /// How long a process that is told to end listens for answers, in milliseconds.
    static let drainMilliseconds = 60_000

    /// The process is told to end, does so when its answers are in, and begins again.
    func endInOrder() {
        guard let leaving = incarnation, leaving.isRunning, !leaving.isDraining else { return }
        leaving.isDraining = true
        note(-1, .draining, Int64(leaving.network.openCount))
        let (vault, number) = (leaving.vault, leaving.number)
        Task(executorPreference: thread) { [self] in
            await vault.drain(for: .milliseconds(Self.drainMilliseconds))
            after(0) { [self] in
                inProcess { [self] in
                    guard incarnation?.number == number, shutDown() else { return }
                    restart(after: between(1500...60_000))
                }
            }
        }
        settle()
    }

    /// In the middle of the vault's close: the world goes on while the transport waits.
    private func closeBehind(_ network: VirtualNetwork, _ store: SimulatedStore) {
        network.close()
        guard !store.isDead else { return }
        for exchange in network.open where exchange.isOpen {
            if exchange.request.cancelIfUnsent() { close(exchange, network) }
        }
        let limit = clock.now + Self.closeMilliseconds
        while network.isAwaited, let next = queue.nextMoment, next <= limit { step() }
        for exchange in network.open where exchange.isOpen {
            close(exchange, network)
            noteCutOff(exchange)
            exchange.request.answer(TransportReply(failure: .lost(curlCode: 0)))
        }
        store.finish()
    }

    /// The end of a process that nobody asked: what is not durable is gone, and what was sent is
    /// sent.
    func crash() {
        guard let dying = incarnation, dying.isRunning else { return }
        outcome.crashes += 1
        note(-1, .crash, Int64(dying.network.openCount))
        dying.isRunning = false
        incarnation = nil
        standstill = nil
        dying.network.close()
        let cutOff = dying.network.open.filter(\.isOpen)
        for exchange in cutOff {
            noteCutOff(exchange)
            close(exchange, dying.network)
            note(exchange.subject, .crash, 0)
        }
        dying.store.die()
        for exchange in cutOff {
            exchange.request.answer(TransportReply(failure: .lost(curlCode: 0)))
        }
        dying.vault.close()
        thread.drain()
        restart(after: between(1500...20_000))
    }

    func restart(after milliseconds: Int64) {
        after(milliseconds) { [self] in
            do throws(VaultError) {
                try startProcess()
            } catch {
                // An erasure that was cut short needs room; without any, somebody tries again.
                if error.code == .storeFull, disk.room == .none { return restart(after: 10_000) }
                violated(.unfinished, -1, "the vault did not open: \(error)")
            }
        }
    }
}
