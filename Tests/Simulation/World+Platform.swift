// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

// The platform: it lends tokens, reports, disconnects and connects again, at any moment.
extension World {
    /// Runs `body` as a task on this thread, if there is a process to run it in.
    func perform(_ body: @escaping @Sendable (World, Vault, Int) async throws -> Void) {
        guard let incarnation, incarnation.isRunning else { return }
        guard standstill == nil else { return inProcess { [self] in perform(body) } }
        let vault = incarnation.vault
        let number = incarnation.number
        Task(executorPreference: thread) { [self] in
            // What a verb throws is judged by what it leaves behind.
            try? await body(self, vault, number)
        }
        settle()
    }

    /// Something the platform does, and the next time it does something.
    func platformActs() {
        let perHour = scenario.platformPerHour * Double(subjects.count)
        after(between(1...max(2, Int64(7_200_000 / perHour)))) { [self] in platformActs() }
        let index = below(subjects.count)
        let isQuiet = clock.now >= faultsEnd
        switch below(100) {
        case 0..<5: look(index)
        case 5..<55: lend(index)
        case 55..<70:
            perform { world, vault, _ in try await vault.reportUse(world.subjects[index].id) }
        case 70..<85: reportRejected(index)
        case 85..<91: if !isQuiet { disconnectAndPerhapsCrash(index) }
        case 91..<93: if !isQuiet { replace(index) }
        default: if !isQuiet { userRevokes(index) }
        }
    }

    private func asks(_ index: Int) {
        subjects[index].asked = clock.now
        providers[subjects[index].provider].excused += 1
        note(index, .asked, 0)
    }

    private func lend(_ index: Int) {
        guard standstill == nil else { return inProcess { [self] in lend(index) } }
        // What another clock wrote may look stale: of what fails, any caller may ask for more.
        let offset = incarnation?.offset ?? 0
        let isStale = subjects[index].accessExpiry < clock.now + 60_000
        let asks = offset != 0 || isStale || subjects[index].hasFailed
        if asks { self.asks(index) }
        perform { world, vault, number in
            // A process that stood still hears of it now.
            if asks { world.subjects[index].asked = world.clock.now }
            let began = world.callBegan(index)
            defer { world.callEnded(index, began, number) }
            try await vault.withAccessToken(world.subjects[index].id) { token in
                guard let incarnation = world.incarnation, incarnation.number == number else {
                    return
                }
                world.judgeLent(index, TokenText(token), incarnation)
            }
        }
    }

    func reportRejected(_ index: Int) {
        guard standstill == nil else { return inProcess { [self] in reportRejected(index) } }
        asks(index)
        perform { world, vault, number in
            world.subjects[index].asked = world.clock.now
            let began = world.callBegan(index)
            defer { world.callEnded(index, began, number) }
            try await vault.reportRejected(world.subjects[index].id)
        }
    }

    private func userRevokes(_ index: Int) {
        let owner = subjects[index].grant
        guard owner >= 0, grants[owner].isAlive else { return }
        grants[owner].end = .user
    }

    private func disconnectAndPerhapsCrash(_ index: Int) {
        disconnect(index)
        guard below(crashesAmongDisconnects) == 0 else { return }
        after(between(0...400)) { [self] in crash() }
    }

    /// One in so many: about one for every second restart.
    private var crashesAmongDisconnects: Int {
        let disconnects = 0.06 * scenario.platformPerHour * Double(subjects.count)
        return max(4, Int(2 * scenario.restartHours * disconnects))
    }

    func disconnect(_ index: Int) {
        guard !subjects[index].isBusy, subjects[index].isStored else { return }
        subjects[index].isBusy = true
        expectDisconnected(index)
        perform { world, vault, number in
            do {
                try await vault.disconnect(world.subjects[index].id)
                world.disconnected(index, number)
            } catch {
                if world.incarnations == number { world.subjects[index].isBusy = false }
            }
        }
    }

    private func disconnected(_ index: Int, _ number: Int) {
        guard incarnation?.number == number else { return }
        outcome.disconnects += 1
        subjects[index].isBusy = false
        if disk.contents.records[subjects[index].key] != nil {
            violated(.usedAfterDisconnect, index, "its record is still there")
        }
    }

    /// Between the end of a connection and the user's coming back, in milliseconds.
    func scheduleReconnect(_ index: Int) {
        after(between(60_000...7_200_000)) { [self] in reconnect(index) }
    }

    private func reconnect(_ index: Int) {
        let subject = subjects[index]
        guard !subject.isConnected, !subject.isBusy, clock.now < faultsEnd else { return }
        guard let incarnation, incarnation.isRunning, disk.room == .enough,
            providers[subject.provider].isHealthy, !subject.isFenced
        else { return scheduleReconnect(index) }
        subjects[index].isBusy = true
        // Should it come to nothing, for whatever reason, the user tries again.
        scheduleReconnect(index)
        if below(2) == 0 { reconnectByPut(index) } else { reconnectByFlow(index) }
    }

    /// The user consented anew, and the platform has the tokens: whatever goes on with the old.
    func replace(_ index: Int) {
        guard subjects[index].isConnected, !subjects[index].isBusy else { return }
        subjects[index].isBusy = true
        reconnectByPut(index)
    }

    private func reconnectByPut(_ index: Int) {
        let owner = consent(index, issued: clock.now)
        let provider = providers[subjects[index].provider]
        let expiry = clock.now + provider.temper.lifetimeMilliseconds
        let offset = incarnation?.offset ?? 0
        perform { world, vault, number in
            defer { world.reconnected(index, number) }
            try await vault.put(
                world.subjects[index].id, World.tokens(owner, expiry, offset: offset, provider),
                application: ApplicationID(provider.application))
        }
    }

    private func reconnectByFlow(_ index: Int) {
        let owner = consent(index, issued: clock.now)
        let application = providers[subjects[index].provider].application
        perform { world, vault, number in
            do {
                let request = try await vault.connect(
                    world.subjects[index].id, application: ApplicationID(application))
                let query = "code=\(TokenText(.code, owner, 0).text)&state=\(request.state)"
                world.after(world.between(2000...60_000)) {
                    world.complete(index, query, number)
                }
            } catch {
                world.reconnected(index, number)
            }
        }
    }

    private func complete(_ index: Int, _ query: String, _ number: Int) {
        guard incarnation?.number == number else { return }
        perform { world, vault, number in
            defer { world.reconnected(index, number) }
            let callback = try Secret(text: query)
            _ = try await vault.complete(callbackQuery: callback)
        }
    }

    private func reconnected(_ index: Int, _ number: Int) {
        guard incarnation?.number == number else { return }
        subjects[index].isBusy = false
        if subjects[index].isConnected { outcome.reconnects += 1 }
    }
}
