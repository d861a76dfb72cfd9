// SPDX-License-Identifier: Apache-2.0

/// What an export holds, and what it does not.
public struct ExportReceipt: Hashable, Sendable {
    /// How many connections are in it.
    public var exported = 0
    /// How many are not, because nobody has completed their flow: there is nothing of them.
    public var notConnected = 0
    /// How many are not, because an answer of the provider's that may hold their only refresh token
    /// lies unread: see `retry`.
    public var unread = 0
    /// How many are not, because their line would be longer than 65,000 bytes.
    public var tooLong = 0
    /// How many are not, because an import would refuse their line, by what is wrong with it: a
    /// token that was `put` with other bytes than printable ASCII, say.
    public var refused: [LineFault: Int] = [:]
}

extension Vault {
    /// Writes connections, with all that they have, into a new file that is sealed: never in the
    /// clear. It is ours alone (0600), has its name only once it is whole, and takes no other
    /// file's place.
    ///
    /// An export is a copy: nothing that is disconnected here later is erased there. And it is good
    /// for as long as nobody refreshes: where a provider replaces refresh tokens, the next refresh
    /// here makes the exported one worthless, and to present that one may end the grant. End what
    /// refreshes these connections first. Each is exported as it is when it is its turn.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - key: a passphrase, which takes this thread about a second, or a public key.
    ///   - isWanted: which connections; all of them by default.
    /// - Throws: `ExportError`; `VaultError` as `statuses` does, and `storeFull`, `storageFailed`
    ///   where the file cannot be written. No file is left then.
    public func export(
        to path: String, sealedWith key: consuming ExportKey,
        where isWanted: (@Sendable (ConnectionStatus) -> Bool)? = nil
    ) async throws -> ExportReceipt {
        try checkProcess()
        try await verified()
        defer { MemoryHygiene.scrub() }
        var writer = try ExportWriter(path, key)
        var receipt = ExportReceipt()
        var lines = try Secret(capacity: ExportLine.byteCountMax)
        var last: RecordKey?
        while true {
            let page = try store.keys(
                .connection, after: last, atMost: ConnectionStatuses.pageMax)
            for key in page {
                if let isWanted {
                    guard let status = try status(key), isWanted(status) else { continue }
                }
                try export(key, &lines, &writer, &receipt)
            }
            guard page.count == ConnectionStatuses.pageMax else { break }
            last = page.last
            MemoryHygiene.scrub()
            await Task.yield()
            if Task.isCancelled { throw VaultError(.cancelled, .vault) }
        }
        if lines.count > 0 { try writer.append(lines.bytes) }
        try writer.finish()
        return receipt
    }

    private func export(
        _ key: RecordKey, _ lines: inout Secret, _ writer: inout ExportWriter,
        _ receipt: inout ExportReceipt
    ) throws {
        // Disconnected since it was found.
        guard let opened = try store.open(key) else { return }
        let record = ConnectionRecord(fields: opened.takeFields())
        guard record.state != .disconnecting else { return }
        guard record.hasAccessToken else {
            receipt.notConnected += 1
            return
        }
        guard !record.holdsUnread else {
            receipt.unread += 1
            return
        }
        var start = lines.count
        if !ExportLine.append(record, to: &lines) {
            if lines.count > 0 { try writer.append(lines.bytes) }
            lines.shorten(to: 0)
            start = 0
            guard ExportLine.append(record, to: &lines) else {
                receipt.tooLong += 1
                return
            }
        }
        // The vault takes texts of a provider's, and tokens that are put, that no line may have.
        let line = start..<lines.count - 1
        if let fault = try PortableConnection.fault(lines.bytes.extracting(line)) {
            lines.shorten(to: start)
            receipt.refused[fault, default: 0] += 1
            return
        }
        receipt.exported += 1
    }
}
