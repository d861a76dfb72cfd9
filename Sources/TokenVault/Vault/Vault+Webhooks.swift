// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// How many webhooks there may be.
    public static let webhooksMax = Webhooks.countMax

    /// How long the key before still signs, unless the caller wants it otherwise.
    public static let previousWebhookKeyDefault = Duration.seconds(86_400)
    /// How long it may at the most.
    static let previousKeyMillisecondsMax: Int64 = 30 * 86_400_000

    /// Has events sent to a URL from now on, while ``run()`` runs, by the Standard Webhooks
    /// convention: see <doc:Webhooks>.
    ///
    /// - Parameters:
    ///   - url: `https`, under the same rules as a provider's endpoints: see `Vault.Settings`.
    ///   - types: what it is told of; ``WebhookType/usual`` where that is nil.
    /// - Returns: its id, and the key that it is signed with, which is shown this once.
    /// - Throws: `endpointRefused`; `invalidArgument` where `types` is empty; `limitExceeded` where
    ///   there are ``webhooksMax`` already; `storeFull`, `storageFailed`, `tooManySecrets`.
    public func addWebhook(
        _ url: String, types: [WebhookType]? = nil
    ) async throws(VaultError) -> WebhookKey {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try network.addressGuard.check(url)
        let types = types ?? WebhookType.usual
        guard !types.isEmpty else { throw VaultError(.invalidArgument, .vault) }
        let random = try Secret(random: WebhookID.byteCount)
        let id = WebhookID(random: random.bytes.integer(at: 0))
        let recordKey = store.key(.webhook, id.text)
        let key = try Secret(random: WebhookMessage.keyBytes)
        let record = try WebhookRecord(
            id: id, url: url, types: types.map(\.name), key: key, place: store.lastEvent(),
            now: time.now())
        let text = try WebhookMessage.text(ofKey: key)
        guard refresher.webhooks.insert(recordKey, atMost: Webhooks.countMax) else {
            throw VaultError(.limitExceeded, .vault, number: Webhooks.countMax)
        }
        do throws(VaultError) {
            let commit = Commit()
            commit.add(.put(.webhook, recordKey, .absent), record.plaintext())
            _ = try await durable(commit)
        } catch {
            refresher.webhooks.remove(recordKey)
            throw error
        }
        webhookChanged()
        return WebhookKey(id: id, secret: text)
    }

    /// All webhooks, in the order in which they were added.
    ///
    /// - Throws: `authenticationFailed` where a record, or an entry of the log, was altered.
    public func webhooks() async throws(VaultError) -> [Webhook] {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        var found: [Webhook] = []
        for key in refresher.webhooks.keys {
            guard var webhook = try webhook(at: key) else { continue }
            webhook.pending = try await pending(webhook)
            found.append(webhook)
        }
        return found.sorted { ($0.created, $0.id.text) < ($1.created, $1.id.text) }
    }

    private func pending(_ webhook: Webhook) async throws(VaultError) -> Int {
        var (count, next) = (0, UInt64?.some(webhook.place + 1))
        while let first = next {
            await Task.yield()
            next = try store.scanEvents(from: first, atMost: Self.loggedEventsAtOnce) { _, entry in
                if let kind = VaultEvent.Kind(code: entry.code), webhook.wants(kind) { count += 1 }
            }
        }
        return count
    }

    /// Erases a webhook and its key. A message that is on its way may still arrive.
    ///
    /// - Throws: `notFound`; `disconnecting` while another call removes it; `storeFull`,
    ///   `storageFailed`; `authenticationFailed` where the record does not open: nothing is erased
    ///   then.
    public func removeWebhook(_ id: WebhookID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let key = store.key(.webhook, id.text)
        try await erase(key)
        refresher.webhooks.remove(key)
        webhookChanged()
    }

    /// Signs with another key from now on, and for a while with the one before as well, so that the
    /// receiver has time to take it over. Only one key before signs: to change it once more within
    /// that time ends the one that was before the first change.
    ///
    /// - Parameters:
    ///   - id: the webhook's.
    ///   - duration: how long the one before still signs: a day by default, up to 30; zero where it
    ///     became known to somebody.
    /// - Returns: the new key, which is shown this once.
    /// - Throws: `notFound`; as `addWebhook`.
    public func rotateWebhook(
        _ id: WebhookID, keepingPrevious duration: Duration = previousWebhookKeyDefault
    ) async throws(VaultError) -> WebhookKey {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let milliseconds = min(Self.milliseconds(duration), Self.previousKeyMillisecondsMax)
        let end = milliseconds > 0 ? time.now().adding(milliseconds: milliseconds) : nil
        let key = try Secret(random: WebhookMessage.keyBytes)
        let text = try WebhookMessage.text(ofKey: key)
        try await edit(store.key(.webhook, id.text)) { (record) throws(VaultError) in
            try record.replaceKey(key, keepingPreviousUntil: end)
        }
        return WebhookKey(id: id, secret: text)
    }

    /// Goes on where a webhook has stopped, with the event that it did not take; tries at once
    /// where it waits to.
    ///
    /// - Throws: `notFound`; `storeFull`, `storageFailed`.
    public func resumeWebhook(_ id: WebhookID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        try await edit(store.key(.webhook, id.text)) { (record) throws(VaultError) in
            try record.set(nil as WebhookRecord.Stop?)
        }
        webhookChanged()
    }

    /// Sends a message of type `webhook.test` now, once, whatever else waits; also to one that has
    /// stopped, whose state it leaves as it is.
    ///
    /// - Returns: what came of it.
    /// - Throws: `notFound`; `tooManySecrets`, `cancelled`.
    public func testWebhook(_ id: WebhookID) async throws(VaultError) -> WebhookOutcome {
        try checkProcess()
        try await verified()
        let key = store.key(.webhook, id.text)
        guard let webhook = try webhook(at: key) else { throw VaultError(.notFound, .vault) }
        let random = try Secret(random: WebhookID.byteCount)
        let number: UInt64 = random.bytes.integer(at: 0)
        let outcome = try await send(
            testMessage("test_\(String(number, radix: 16))", time.now()), to: webhook, key)
        if outcome.isCancelled {
            throw VaultError(refresher.isClosed ? .closed : .cancelled, .vault)
        }
        return outcome
    }

    // MARK: Records

    /// How a webhook is; nil where it is gone.
    func webhook(at key: RecordKey) throws(VaultError) -> Webhook? {
        guard let opened = try store.open(key), opened.kind == .webhook else { return nil }
        return try Webhook(WebhookRecord(fields: opened.takeFields()), time.now())
    }

    /// Changes a webhook's record, whoever else does.
    ///
    /// - Throws: `notFound`; `disconnecting` while it is being removed.
    func edit(
        _ key: RecordKey, _ change: (inout WebhookRecord) throws(VaultError) -> Void
    ) async throws(VaultError) {
        for _ in 0..<Self.putAttemptsMax {
            guard let opened = try store.open(key), opened.kind == .webhook else {
                throw VaultError(.notFound, .vault)
            }
            let generation = opened.version.generation
            var record = WebhookRecord(fields: opened.takeFields())
            try change(&record)
            let commit = Commit()
            commit.add(.put(.webhook, key, .generation(generation)), record.plaintext())
            do throws(VaultError) {
                _ = try await durable(commit)
                return
            } catch {
                guard error.code == .generationChanged else { throw error }
            }
        }
        throw VaultError(.generationChanged, .vault)
    }

    /// Whoever delivers looks again, be it that he waits for an event or for his turn to try.
    private func webhookChanged() {
        refresher.webhooks.signal.tell()
        eventSignal.tell()
    }
}
