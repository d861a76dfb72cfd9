// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// How many events of all connections together the vault keeps: the newest ones.
    public static let loggedEventsMax = Int(StoreLimits.eventsMax)

    /// How many are read before others have a turn.
    static let loggedEventsAtOnce = 1000

    /// What happened to a connection, the oldest first; also to one that is gone. The vault keeps
    /// the last ``loggedEventsMax`` events of all connections, and all of them are looked through,
    /// about a microsecond each.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter limit: the most events, the newest ones.
    /// - Throws: `authenticationFailed` where an entry was altered; `cancelled` where the task is.
    public func log(
        _ id: ConnectionID, limit: Int = 1000
    ) async throws(VaultError) -> [VaultEvent] {
        try checkProcess()
        // Not before that: a child made by fork cannot even make the key.
        return try await log(store.key(.connection, id.text), id, limit: limit)
    }

    /// What happened to an application, the oldest first, also to one that was removed: that its
    /// provider rejected it. Of the connections whose refresh it was, their own logs tell.
    ///
    /// - Parameter id: the application's.
    /// - Parameter limit: the most events, the newest ones.
    /// - Throws: as the log of a connection.
    public func log(
        application id: ApplicationID, limit: Int = 1000
    ) async throws(VaultError) -> [VaultEvent] {
        try checkProcess()
        return try await log(store.key(.application, id.text), nil, limit: limit)
    }

    private func log(
        _ key: RecordKey, _ id: ConnectionID?, limit: Int
    ) async throws(VaultError) -> [VaultEvent] {
        try await readable()
        let limit = min(max(limit, 0), Self.loggedEventsMax)
        var found: [VaultEvent] = []
        var next: UInt64? = 0
        while let first = next {
            // A thread of the pool is not for this alone.
            if first > 0 { await Task.yield() }
            if Task.isCancelled { throw VaultError(.cancelled, .vault) }
            next = try store.scanEvents(from: first, atMost: Self.loggedEventsAtOnce) {
                (_, entry) in
                guard entry.key == key, let kind = VaultEvent.Kind(code: entry.code) else {
                    return
                }
                found.append(
                    VaultEvent(
                        time: entry.time, kind: kind, number: entry.number, connection: id))
            }
            if found.count > 2 * limit { found.removeFirst(found.count - limit) }
        }
        return Array(found.suffix(limit))
    }
}
