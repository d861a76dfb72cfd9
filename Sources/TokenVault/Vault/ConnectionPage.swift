// SPDX-License-Identifier: Apache-2.0

/// Some of the connections, and where to go on.
public struct ConnectionPage: Sendable {
    /// Those that were wanted; fewer than were asked for where many were passed over.
    public let statuses: [ConnectionStatus]
    /// What `page(after:)` goes on behind; nil at the end.
    public let cursor: String?
}

extension Vault {
    /// How many records one page is looked for among at most: about 8 microseconds each.
    public static let pageRecordsMax = 10_000

    /// How connections are, page by page, in an order that stays: one that is connected or
    /// disconnected meanwhile may be on one or not, and all others are on exactly one.
    ///
    /// - Parameters:
    ///   - cursor: of the page before; nil from the first one on.
    ///   - limit: the most of a page.
    ///   - isWanted: which ones.
    /// - Throws: `invalidArgument` where `cursor` is no page's; else as `statuses`.
    public func page(
        after cursor: String?, limit: Int,
        where isWanted: @Sendable (ConnectionStatus) -> Bool = { _ in true }
    ) async throws(VaultError) -> ConnectionPage {
        try checkProcess()
        try await readable()
        var last: RecordKey?
        if let cursor { last = try Self.key(ofCursor: cursor) }
        var (found, seen): ([ConnectionStatus], Int) = ([], 0)
        while true {
            let keys = try store.keys(
                .connection, after: last, atMost: ConnectionStatuses.pageMax)
            for key in keys {
                (last, seen) = (key, seen + 1)
                if let status = try status(key), isWanted(status) { found.append(status) }
                if found.count >= limit || seen >= Self.pageRecordsMax {
                    return ConnectionPage(statuses: found, cursor: Self.cursor(key))
                }
            }
            MemoryHygiene.scrub()
            if keys.count < ConnectionStatuses.pageMax {
                return ConnectionPage(statuses: found, cursor: nil)
            }
            await Task.yield()
            if Task.isCancelled { throw VaultError(.cancelled, .vault) }
        }
    }

    private static func cursor(_ key: RecordKey) -> String {
        TextEncoding.base64URLText(key.bytes)
    }

    private static func key(ofCursor cursor: String) throws(VaultError) -> RecordKey {
        var key = try Secret(capacity: RecordKey.byteCount)
        let text = cursor.utf8Span.span
        guard unsafe TextEncoding.appendBase64URLDecoded(text.bytes, to: &key),
            key.count == RecordKey.byteCount
        else { throw VaultError(.invalidArgument, .vault) }
        return RecordKey(key.bytes)
    }
}
