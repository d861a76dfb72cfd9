// SPDX-License-Identifier: Apache-2.0

import Synchronization

// What is sent to a webhook, and the sending.
extension Vault {
    /// How long the answer to one message is waited for, in milliseconds.
    static let webhookMilliseconds = 15_000
    /// The longest message: two ids of 255 bytes, each of which may be escaped, and the rest.
    private static let messageBytesMax = 6 * 2 * 255 + 1024

    /// The message of an event. It holds a blinded id, the id where that is still there, a time,
    /// numbers and words of fixed lists.
    func message(of event: LoggedEvent) throws(VaultError) -> WebhookMessage {
        let happened = event.event
        let type = WebhookType(event)?.name ?? ""
        // The same for each attempt and for each webhook, and for no other event of any vault.
        let name = "event \(event.cursor) \(happened.kind.code)"
        let id = "evt_" + store.key(.webhook, name).text.prefix(32)
        var json = try JSONWriter(byteCountMax: Self.messageBytesMax)
        json.add("type", type)
        json.add("timestamp", happened.time.text)
        json.beginObject("data")
        json.add("event", happened.kind.description)
        json.add("reference", event.reference)
        json.add("connection", happened.connection?.text)
        json.add("application", event.application?.text)
        json.add("number", happened.number)
        json.add("error", happened.detail.oauthError)
        json.add("cause", happened.detail.causeName)
        json.end()
        return WebhookMessage(id: id, body: try json.finish())
    }

    func testMessage(_ id: String, _ now: UnixTime) throws(VaultError) -> WebhookMessage {
        var json = try JSONWriter(byteCountMax: Self.messageBytesMax)
        json.add("type", "webhook.test")
        json.add("timestamp", now.text)
        json.beginObject("data")
        json.end()
        return WebhookMessage(id: id, body: try json.finish())
    }

    /// Sends a message once, signed with the keys that the webhook has now.
    func send(
        _ message: consuming WebhookMessage, to webhook: Webhook, _ key: RecordKey
    ) async throws(VaultError) -> WebhookOutcome {
        let now = time.now()
        let signature = try signature(of: message, key, now)
        let headers = RequestHeaders.list(
            message.headers(seconds: now.seconds, signature: signature), .json)
        let answer = Answer()
        let request = TransportRequest(
            url: webhook.url, credentials: ClientCredentials(headerLine: nil, headers: headers),
            body: try message.body.copy(),
            head: TransportRequest.Head(method: .post, body: .json, ignoresBody: true),
            deadlineMilliseconds: Self.webhookMilliseconds
        ) { reply in
            if let failure = reply.failure { return answer.end(WebhookOutcome(failure)) }
            answer.end(
                WebhookOutcome(status: reply.status, retryAfterSeconds: reply.retryAfterSeconds))
        }
        return await answer.wait {
            network.metadata.transport.send(request)
        } onCancel: {
            _ = request.cancelIfUnsent()
        }
    }

    private func signature(
        of message: borrowing WebhookMessage, _ key: RecordKey, _ now: UnixTime
    ) throws(VaultError) -> String {
        defer { MemoryHygiene.scrub() }
        guard let opened = try store.open(key), opened.kind == .webhook else {
            throw VaultError(.notFound, .vault)
        }
        let record = WebhookRecord(fields: opened.takeFields())
        let own = try record.key()
        let previous = try record.previousKey(now)
        return try message.signature(seconds: now.seconds, key: own, previous: previous)
    }

    /// What is waited for, no longer than the task that waits is wanted.
    private final class Answer: Sendable {
        private let outcome = Mutex(WebhookOutcome.cancelled)
        private let caller = Caller()

        func end(_ outcome: WebhookOutcome) {
            self.outcome.withLock { $0 = outcome }
            caller.resume(.success(()))
        }

        func wait(
            _ begin: () -> Void, onCancel cancel: @escaping @Sendable () -> Void
        ) async -> WebhookOutcome {
            await withTaskCancellationHandler {
                unsafe await withUnsafeContinuation {
                    (continuation: UnsafeContinuation<Void, Never>) in
                    caller.wait { _ in unsafe continuation.resume() }
                    if Task.isCancelled { return caller.resume(.success(())) }
                    begin()
                }
            } onCancel: {
                cancel()
                caller.resume(.success(()))
            }
            return outcome.withLock { $0 }
        }
    }
}
