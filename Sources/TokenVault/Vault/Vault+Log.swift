// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// How many events of all connections together the vault keeps: the newest ones.
    public static let loggedEventsMax = Int(Writer.eventsMax)

    /// What happened to a connection, the oldest first; also to one that is gone. The vault keeps
    /// the last ``loggedEventsMax`` events of all connections.
    ///
    /// - Parameter limit: the most events, the newest ones.
    /// - Throws: `authenticationFailed` where an entry was altered.
    public func log(_ id: ConnectionID, limit: Int = 1000) throws(VaultError) -> [VaultEvent] {
        try checkProcess()
        // Not before that: a child made by fork cannot even make the key.
        return try log(store.key(.connection, id.text), id, limit: limit)
    }

    /// What happened to an application, the oldest first, also to one that was removed: that its
    /// provider rejected it. Of the connections whose refresh it was, their own logs tell.
    ///
    /// - Parameter limit: the most events, the newest ones.
    /// - Throws: `authenticationFailed` where an entry was altered.
    public func log(
        application id: ApplicationID, limit: Int = 1000
    ) throws(VaultError) -> [VaultEvent] {
        try checkProcess()
        return try log(store.key(.application, id.text), nil, limit: limit)
    }

    private func log(
        _ key: RecordKey, _ id: ConnectionID?, limit: Int
    ) throws(VaultError) -> [VaultEvent] {
        try readableNow()
        let limit = min(max(limit, 0), Self.loggedEventsMax)
        var found: [VaultEvent] = []
        try store.scanEvents { (entry) throws(VaultError) in
            guard entry.key == key, let kind = VaultEvent.Kind(code: entry.code) else {
                return true
            }
            found.append(
                VaultEvent(time: entry.time, kind: kind, number: entry.number, connection: id))
            if found.count > 2 * limit { found.removeFirst(found.count - limit) }
            return true
        }
        return Array(found.suffix(limit))
    }
}
