// SPDX-License-Identifier: Apache-2.0

// How events come to webhooks. Each webhook has a place in the log; the event behind it is sent,
// and where it is taken the place moves on, durably, before the next one is sent. So nothing is
// sent that is not durable, nothing is left out, and what a crash interrupts is sent again: at
// least once, in the order of the log. One that is not taken holds back all later ones of its
// webhook.
extension Vault {
    /// How long one event is tried, in milliseconds.
    static let deliveryMilliseconds: Int64 = 3 * 86_400_000
    /// The first wait between two attempts, and the longest, in milliseconds; it doubles.
    static let deliveryWaitMilliseconds: Int64 = 2000
    static let deliveryWaitMillisecondsMax: Int64 = 3_600_000
    /// The longest wait that a receiver can ask for, in milliseconds.
    static let deliveryPauseMillisecondsMax: Int64 = 86_400_000
    /// Before it is looked again for what was short, such as blocks for secrets, in milliseconds.
    static let deliveryAgainMilliseconds: Int64 = 10_000
    /// How many entries of the log are looked through at a time.
    static let deliveryScanMax = 256
    /// How many events that are not its own a webhook may have passed without a note of it.
    static let passedMax: UInt64 = 10_000

    /// Delivers until the task is cancelled, or the vault is closed. Of several calls one does, and
    /// another one goes on where that ends.
    func deliverWebhooks() async {
        let webhooks = refresher.webhooks
        while !Task.isCancelled, !refresher.isClosed {
            let count = webhooks.signal.count
            if webhooks.begin() {
                await deliverToAll()
                return webhooks.end()
            }
            await webhooks.signal.sleep(after: count, until: nil, refresher)
        }
    }

    private func deliverToAll() async {
        let webhooks = refresher.webhooks
        await withTaskGroup(of: Void.self) { group in
            var served: Set<RecordKey> = []
            while !Task.isCancelled, !refresher.isClosed {
                let count = webhooks.signal.count
                let keys = webhooks.keys
                for key in keys.subtracting(served) {
                    group.addTask { [self] in await deliver(to: key) }
                }
                served = keys
                await webhooks.signal.sleep(after: count, until: nil, refresher)
            }
            group.cancelAll()
        }
    }

    /// What one webhook's delivery knows beside its record.
    private struct Course {
        /// Up to which entry of the log nothing is its own, or was dealt with.
        var place: UInt64 = 0
        /// How many entries were gone, which its record does not say yet.
        var missed: UInt64 = 0
        /// What came of an attempt that its record does not say yet, as where the disk is full.
        var unwritten: (outcome: WebhookOutcome, event: LoggedEvent)?
    }

    private func deliver(to key: RecordKey) async {
        var course = Course()
        while !Task.isCancelled, !refresher.isClosed {
            do throws(VaultError) {
                guard try await deliverNext(to: key, &course) else { return }
            } catch {
                switch error.code {
                case .closed, .notFound, .disconnecting: return
                default: await waitAgain()
                }
            }
        }
    }

    /// Waits until it is looked again for what was short; not for every event.
    func waitAgain() async {
        let signal = refresher.webhooks.signal
        let again = time.now().adding(milliseconds: Self.deliveryAgainMilliseconds)
        await signal.sleep(after: signal.count, until: again, refresher)
    }

    /// Sends what is next, or waits for it. False where the webhook is gone.
    private func deliverNext(
        to key: RecordKey, _ course: inout Course
    ) async throws(VaultError) -> Bool {
        let changes = refresher.webhooks.signal
        let (changed, logged) = (changes.count, eventSignal.count)
        guard let webhook = try webhook(at: key) else {
            return refresher.webhooks.keys.contains(key) ? await waits(changed) : false
        }
        refresher.webhooks.set(key, isStopped: webhook.stopCause != nil)
        guard webhook.stopCause == nil else { return await waits(changed) }
        if webhook.wants(.expiresSoon) { endNotices.setWatched(eventSignal) }
        // Before anything is sent: a message that was taken is not sent for ever.
        if let unwritten = course.unwritten {
            try await note(unwritten.outcome, unwritten.event, key, &course)
            return true
        }
        let now = time.now()
        // One that is further away was written while the clock was ahead.
        let latest = now.adding(milliseconds: Self.deliveryPauseMillisecondsMax)
        if let next = webhook.nextAttempt, next > now, next <= latest {
            await changes.sleep(after: changed, until: next, refresher)
            return true
        }
        course.place = max(course.place, webhook.place)
        let (event, hasMore) = try nextEvent(for: webhook, &course)
        if let event {
            let message = try message(of: event)
            let outcome = try await send(message, to: webhook, key)
            if outcome.isCancelled { return await waits(changed) }
            course.unwritten = (outcome, event)
            try await note(outcome, event, key, &course)
        } else if course.place >= webhook.place + Self.passedMax {
            let (place, missed) = (course.place, course.missed)
            try await edit(key) { (record) throws(VaultError) in
                try record.set(place: place)
                try record.add(missed: missed)
            }
            course.missed = 0
        } else if !hasMore {
            await eventSignal.sleep(after: logged, until: nil, refresher)
        }
        return true
    }

    private func waits(_ changed: UInt64) async -> Bool {
        await refresher.webhooks.signal.sleep(after: changed, until: nil, refresher)
        return true
    }

    /// The next event that a webhook is told of, before which the course stands then; nil where
    /// none of those that were looked at is one.
    private func nextEvent(
        for webhook: Webhook, _ course: inout Course
    ) throws(VaultError) -> (event: LoggedEvent?, hasMore: Bool) {
        var found: [(UInt64, EventEntry, VaultEvent.Kind)] = []
        var (oldest, last) = (UInt64?.none, course.place)
        let next = try store.scanEvents(
            from: course.place + 1, atMost: Self.deliveryScanMax
        ) { number, entry in
            oldest = oldest ?? number
            last = number
            if let kind = VaultEvent.Kind(code: entry.code), webhook.wants(kind) {
                found.append((number, entry, kind))
            }
        }
        if let oldest, oldest > course.place + 1 {
            course.missed += oldest - course.place - 1
            course.place = oldest - 1
        }
        var names = Names()
        for (number, entry, kind) in found {
            let event = try loggedEvent(number, entry, kind, &names)
            guard let type = WebhookType(event), webhook.types.contains(type) else { continue }
            course.place = number - 1
            return (event, true)
        }
        course.place = last
        return (nil, next != nil)
    }

    /// Writes down what came of an attempt: the event is dealt with, or when it is tried again.
    private func note(
        _ outcome: WebhookOutcome, _ event: LoggedEvent, _ key: RecordKey, _ course: inout Course
    ) async throws(VaultError) {
        let now = time.now()
        let random = Double(refresher.randomness.next() >> 11) / Double(UInt64(1) << 53)
        let missed = course.missed
        try await edit(key) { (record) throws(VaultError) in
            try record.add(missed: missed)
            if let end = record.previousKeyEnd, end <= now { try record.forgetPreviousKey() }
            if outcome.isDelivered {
                try record.set(place: event.cursor.number)
                return try record.setDelivered(now)
            }
            let wait = Self.deliveryWait(
                after: Int(record.attempts), random: random, outcome.retryAfterSeconds)
            let first = min(record.firstAttempt ?? now, now)
            let end = first.adding(milliseconds: Self.deliveryMilliseconds)
            try record.setFailed(
                outcome.raw, now, next: min(now.adding(milliseconds: wait), max(end, now)))
            if outcome.isGone {
                try record.set(.gone)
            } else if now >= end {
                try record.set(.failed)
            }
        }
        course.missed = 0
        course.unwritten = nil
        if outcome.isDelivered { course.place = event.cursor.number }
    }

    /// How long is waited, in milliseconds, where so many attempts failed before.
    ///
    /// - Parameter random: from 0 to 1: a half of it, to all of it.
    static func deliveryWait(
        after attempts: Int, random: Double, _ retryAfterSeconds: Int64?
    ) -> Int64 {
        let doublings = min(attempts, 20)
        let longest = min(deliveryWaitMilliseconds << Int64(doublings), deliveryWaitMillisecondsMax)
        let wait = Int64(Double(longest) * (0.5 + random / 2))
        let asked = min(max(retryAfterSeconds ?? 0, 0), deliveryPauseMillisecondsMax / 1000)
        return max(wait, asked * 1000)
    }
}
