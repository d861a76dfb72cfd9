// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

// What goes wrong, and when: all of it the seed's.
extension World {
    func plan() {
        for index in providers.indices { scheduleFault(index) }
        scheduleRestart()
        scheduleStandstill()
        scheduleUplink()
        scheduleRush()
        scheduleFullDisk()
        after(between(1...10_000)) { [self] in platformActs() }
        after(3_600_000) { [self] in judgeHour() }
        queue.add(faultsEnd) { [self] in endFaults() }
    }

    /// Half to three halves of so many hours, in milliseconds.
    func about(_ hours: Double) -> Int64 {
        let milliseconds = Int64(hours * 3_600_000)
        return between(milliseconds / 2...milliseconds * 3 / 2)
    }

    private func scheduleFault(_ index: Int) {
        after(about(scenario.faultHours)) { [self] in
            let provider = providers[index]
            guard clock.now < faultsEnd else { return }
            outcome.outages += 1
            let minutes: [Int64] = [1, 1, 3, 10, 10, 30, 60, 180, 360]
            var length = minutes[below(minutes.count)] * 60_000
            length = min(length, Int64(scenario.hours) * 600_000)
            switch below(8) {
            case 0: provider.mode = .refusing
            case 1: provider.mode = .unavailable(retryAfterSeconds: nil)
            case 2: provider.mode = .unavailable(retryAfterSeconds: between(1...600))
            case 3: provider.mode = .hanging
            case 4, 5: provider.mode = .throttling(retryAfterSeconds: between(1...120))
            case 6: provider.mode = .slow
            default: return spoilSecret(index)
            }
            note(-1, .fault, Int64(index))
            provider.healthySince = .max
            after(length) { [self] in
                recover(provider)
                scheduleFault(index)
            }
        }
    }

    func recover(_ provider: VirtualProvider) {
        provider.mode = .healthy
        provider.healthySince = clock.now
        answerStalled(provider)
        note(-1, .recovered, Int64(provider.index))
    }

    /// The provider takes another client secret from now on, or the platform stores a wrong one;
    /// somebody notices an hour later.
    private func spoilSecret(_ index: Int) {
        let provider = providers[index]
        provider.healthySince = .max
        note(-1, .fault, Int64(index))
        if scenario.has(.wrongSecrets), below(2) == 0 {
            storeSecret(index, Self.wrongSecretSerial) { _ in }
        } else {
            provider.secretSerial += 1
            provider.risk = VirtualProvider.Risk(isHeard: false)
        }
        after(min(3_600_000, Int64(scenario.hours) * 300_000)) { [self] in correctSecret(index) }
    }

    /// A client secret that no provider ever takes.
    static let wrongSecretSerial: Int64 = 0

    private func correctSecret(_ index: Int) {
        let provider = providers[index]
        storeSecret(index, provider.secretSerial) { [self] isStored in
            guard isStored, provider.knownSecretSerial == provider.secretSerial else {
                return after(30_000) { [self] in correctSecret(index) }
            }
            provider.rejectedUntil = 0
            recover(provider)
            scheduleFault(index)
        }
    }

    /// The platform stores a client secret, if there is a process to store it with.
    private func storeSecret(
        _ index: Int, _ serial: Int64, _ end: @escaping @Sendable (Bool) -> Void
    ) {
        guard let incarnation, incarnation.isRunning, standstill == nil else { return end(false) }
        let provider = providers[index]
        let (vault, number) = (incarnation.vault, incarnation.number)
        Task(executorPreference: thread) { [self] in
            do {
                try await vault.put(self.application(provider, secretSerial: serial))
                guard self.incarnation?.number == number else { throw CancellationError() }
                end(true)
            } catch {
                end(false)
            }
        }
        settle()
    }

    private func scheduleRestart() {
        after(about(scenario.restartHours)) { [self] in
            guard clock.now < faultsEnd else { return }
            scheduleRestart()
            outcome.restarts += 1
            chooseOffset()
            switch below(10) {
            case 0: crash()
            case 1: crashesAfterGroup = true
            case 2, 3: crashesInFlight = true
            default:
                // Who is told to end and does not is killed.
                if standstill != nil { return crash() }
                endInOrder()
            }
        }
    }

    /// What the next process reads as the time: mostly right, sometimes an hour or ten years off.
    private func chooseOffset() {
        guard nextOffset == 0 else {
            nextOffset = 0
            return
        }
        guard scenario.jumpsClock, below(6) == 0 else { return }
        let hour: Int64 = 3_600_000
        let decade = 3653 * 24 * hour
        nextOffset = [hour, -hour, decade, -decade][below(4)]
        outcome.clockJumps += 1
    }

    private func scheduleFullDisk() {
        after(about(max(2, scenario.faultHours * 2))) { [self] in
            guard clock.now < faultsEnd else { return }
            disk.room = below(3) == 0 ? .none : .onlyWhatMayUseReserve
            after(between(5000...300_000)) { [self] in
                disk.room = .enough
                roomSince = clock.now
                scheduleFullDisk()
            }
        }
    }

    /// From here on everything is well, and stays so.
    private func endFaults() {
        for (index, provider) in providers.enumerated() {
            if provider.mode != .healthy { recover(provider) }
            if !provider.isHealthy { correctSecret(index) }
        }
        disk.room = .enough
        roomSince = clock.now
        nextOffset = 0
        goOn()
        if uplink != .up { restoreUplink() }
        isUplinkArmed = false
        guard let incarnation, incarnation.isRunning else { return }
        if incarnation.offset != 0 { endInOrder() }
    }
}
