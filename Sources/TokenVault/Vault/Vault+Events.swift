// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// The most events of one page.
    public static let eventsAtOnceMax = 1000

    /// The longest that a page is waited for.
    public static let eventWaitMax = Duration.seconds(60)

    /// What happened in the vault behind a place in its log, in the order in which it became
    /// durable: nothing is left out, nothing comes twice, and nothing of it can be undone. The log
    /// keeps the last ``loggedEventsMax`` events.
    ///
    /// Unlike the stream `events()` it goes on where a process before has stopped: keep the cursor
    /// of the last page that was dealt with.
    ///
    /// - Parameters:
    ///   - cursor: behind which; nil from the oldest event on that is kept.
    ///   - limit: the most events, up to ``eventsAtOnceMax``; each costs about 2 microseconds, and
    ///     each connection among them that is still there 5 more.
    /// - Throws: `cursorExpired` where events behind the cursor are gone from the log, or the vault
    ///   is not the one, or an older copy of the one, that it comes from: go on with nil, and look
    ///   at what else was missed with `statuses`; `authenticationFailed` where an entry was
    ///   altered.
    public func events(
        after cursor: EventCursor?, limit: Int = 100
    ) async throws(VaultError) -> EventPage {
        try checkProcess()
        try await readable()
        endNotices.setWatched(eventSignal)
        return try page(after: cursor, limit: limit)
    }

    /// The same, and where there is nothing newer it waits for the next event, for so long at the
    /// most. Holds no thread meanwhile.
    ///
    /// - Parameters:
    ///   - cursor: as `events(after:limit:)`.
    ///   - limit: as `events(after:limit:)`.
    ///   - duration: up to ``eventWaitMax``; then the page is empty.
    /// - Throws: as `events(after:limit:)`; `cancelled`, `closed`.
    public func events(
        after cursor: EventCursor?, limit: Int = 100, wait duration: Duration
    ) async throws(VaultError) -> EventPage {
        try checkProcess()
        try await readable()
        endNotices.setWatched(eventSignal)
        let wait = Self.milliseconds(min(duration, Self.eventWaitMax))
        var end = time.now().adding(milliseconds: wait)
        while true {
            let count = eventSignal.count
            let page = try page(after: cursor, limit: limit)
            let now = time.now()
            if !page.events.isEmpty || now >= end { return page }
            // The clock may have been set back meanwhile.
            end = min(end, now.adding(milliseconds: wait))
            await eventSignal.sleep(after: count, until: end, refresher)
            if Task.isCancelled { throw VaultError(.cancelled, .vault) }
        }
    }

    /// The place behind the newest event of the log: from there on nothing old is told.
    ///
    /// - Throws: `authenticationFailed` where an entry was altered.
    public func lastEvent() async throws(VaultError) -> EventCursor {
        try checkProcess()
        try await readable()
        let last = try store.lastEvent()
        var found = EventCursor.beginning
        _ = try store.scanEvents(from: max(last, 1), atMost: 1) { number, entry in
            found = EventCursor(number: number, milliseconds: max(0, entry.time.milliseconds))
        }
        return found
    }

    private func page(after cursor: EventCursor?, limit: Int) throws(VaultError) -> EventPage {
        let limit = min(max(limit, 1), Self.eventsAtOnceMax)
        var entries: [(number: UInt64, entry: EventEntry)] = []
        let first = cursor?.number ?? 0
        // With the event that the cursor is behind, where that is still there.
        let count = first == 0 ? limit : limit + 1
        let next = try store.scanEvents(from: first, atMost: count) { number, entry in
            entries.append((number, entry))
        }
        if let cursor { try Self.check(cursor, &entries, last: store.lastEvent()) }
        let isFull = entries.count > limit
        let shown = entries.prefix(limit)
        var names = Names()
        var events: [LoggedEvent] = []
        for (number, entry) in shown {
            // One of a later version: whoever knows nothing of it is told nothing.
            guard let kind = VaultEvent.Kind(code: entry.code) else { continue }
            events.append(
                try loggedEvent(number, entry, kind, &names))
        }
        let last = shown.last.map(Self.place) ?? cursor ?? .beginning
        return EventPage(events: events, cursor: last, hasMore: isFull || next != nil)
    }

    /// Takes out the event that the cursor is behind, and throws where what comes next is not there
    /// any more. Numbers are given out without a gap.
    private static func check(
        _ cursor: EventCursor, _ entries: inout [(number: UInt64, entry: EventEntry)],
        last: UInt64
    ) throws(VaultError) {
        let expired = VaultError(.cursorExpired, .vault)
        guard let first = entries.first else {
            // Nothing has happened since, or the log is another one.
            if cursor.number == last { return }
            throw expired
        }
        if cursor.number > 0, first.number == cursor.number {
            guard place(first) == cursor else { throw expired }
            entries.removeFirst()
        } else {
            guard first.number == cursor.number + 1 else { throw expired }
        }
    }

    private static func place(_ entry: (number: UInt64, entry: EventEntry)) -> EventCursor {
        EventCursor(
            number: entry.number, milliseconds: max(0, entry.entry.time.milliseconds))
    }
}

extension Vault {
    /// Whose records lie at which keys, each opened once.
    struct Names {
        fileprivate var known: [RecordKey: Name] = [:]

        fileprivate struct Name {
            var connection: ConnectionID?
            var application: ApplicationID?
        }
    }

    /// An entry of the log, and whom it is about, where that is still there.
    func loggedEvent(
        _ number: UInt64, _ entry: EventEntry, _ kind: VaultEvent.Kind, _ names: inout Names
    ) throws(VaultError) -> LoggedEvent {
        let name: Names.Name
        if let known = names.known[entry.key] {
            name = known
        } else {
            name = try self.name(entry.key)
            names.known[entry.key] = name
        }
        return LoggedEvent(
            cursor: EventCursor(
                number: number, milliseconds: max(0, entry.time.milliseconds)),
            event: VaultEvent(
                time: entry.time, kind: kind, number: entry.number, connection: name.connection),
            reference: entry.key.text, application: name.application)
    }

    private func name(_ key: RecordKey) throws(VaultError) -> Names.Name {
        defer { MemoryHygiene.scrub() }
        do throws(VaultError) {
            guard let opened = try store.open(key) else { return Names.Name() }
            let text = opened.fields.text(ConnectionTag.id)
            guard let text else { return Names.Name() }
            switch opened.kind {
            case .connection: return Names.Name(connection: try ConnectionID(text))
            case .application: return Names.Name(application: try ApplicationID(text))
            default: return Names.Name()
            }
        } catch {
            // The log is to be read although a record is damaged.
            guard error.code == .authenticationFailed || error.code == .recordDamaged else {
                throw error
            }
            return Names.Name()
        }
    }
}
