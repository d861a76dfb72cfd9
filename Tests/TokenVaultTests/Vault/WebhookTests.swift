// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TokenVault

/// Events at a webhook: verified, in order, at least once, and for three days.
@Suite struct WebhookTests {
    /// A receiver, a vault on a clock that is moved, and what came in.
    final class Stand: Sendable {
        let test: TestVault
        let time = MovedTime()
        let received = Mutex<[ScriptedServer.Request]>([])
        let behaviour = Mutex<@Sendable (Int) -> ScriptedServer.Behaviour>({ _ in .reply() })
        private let kept = Mutex<ScriptedServer?>(nil)

        init() throws {
            test = try TestVault()
            try test.create()
            let server = try ScriptedServer { [weak self] request in
                guard let self else { return .close }
                let count = received.withLock { received in
                    received.append(request)
                    return received.count
                }
                return behaviour.withLock { $0 }(count)
            }
            kept.withLock { $0 = server }
        }

        deinit { kept.withLock { $0?.stop() } }

        var url: String { (kept.withLock { $0?.origin } ?? "") + "/events" }

        func open(allowsLoopback: Bool = true) throws -> Vault {
            var settings = Vault.Settings()
            settings.mapBytes = 1 << 30
            settings.allowsLoopbackHTTP = allowsLoopback
            return try Vault.open(
                at: test.path, rootKey: .file(test.keyFile), settings: settings, time: time)
        }

        func set(_ behaviour: @escaping @Sendable (Int) -> ScriptedServer.Behaviour) {
            self.behaviour.withLock { $0 = behaviour }
        }

        var requests: [ScriptedServer.Request] { received.withLock { $0 } }

        /// Waits, in real time, until it is so.
        func wait(
            _ what: String, location: SourceLocation = #_sourceLocation,
            until isSo: () async throws -> Bool
        ) async throws {
            for _ in 0..<1000 {
                if try await isSo() { return }
                try await Task.sleep(for: .milliseconds(10))
            }
            Issue.record("it did not come about: \(what)", sourceLocation: location)
        }
    }

    /// Runs a vault's upkeep for as long as `body` runs.
    private func running(_ vault: Vault, _ body: () async throws -> Void) async throws {
        let run = Task { try await vault.run() }
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        run.cancel()
        _ = await run.result
        try result.get()
    }

    private func put(_ vault: Vault, _ name: String) async throws {
        try await vault.put(
            ConnectionID(name), TokenSet(accessToken: try Secret("access-token-of-nobody")))
    }

    private struct Message: Decodable {
        struct Body: Decodable {
            let event: String?
            let reference: String?
            let connection: String?
            let number: Int64?
        }
        let type: String
        let timestamp: String
        let data: Body
    }

    private func message(_ request: ScriptedServer.Request) throws -> Message {
        try JSONDecoder().decode(Message.self, from: Data(request.body.utf8))
    }

    /// Whether one of the signatures is of this key, by the header and body as they came.
    private func isSigned(
        _ request: ScriptedServer.Request, _ text: String
    ) throws -> Bool {
        let encoded = try Secret(text: String(text.dropFirst("whsec_".count)))
        var key = try Secret(capacity: 64)
        #expect(TextEncoding.appendBase64Decoded(encoded.bytes, to: &key))
        let message = WebhookMessage(
            id: try #require(request.header("webhook-id")), body: try Secret(text: request.body))
        let seconds = try #require(Int64(request.header("webhook-timestamp") ?? ""))
        let own = try message.signature(seconds: seconds, key: key, previous: nil)
        let shown = try #require(request.header("webhook-signature"))
        return shown.split(separator: " ").contains { $0 == own }
    }

    @Test func aSignatureIsThatOfTheConventionsTestVector() throws {
        // standard-webhooks, libraries/python/tests and the specification.
        let encoded = try Secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        var key = try Secret(capacity: 64)
        #expect(TextEncoding.appendBase64Decoded(encoded.bytes, to: &key))
        #expect(key.count == 24)
        let body = try Secret(#"{"test": 2432232314}"#)
        let message = WebhookMessage(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: body)
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        #expect(try message.signature(seconds: 1_614_265_330, key: key, previous: nil) == signature)
        let previous: Secret? = try key.copy()
        let both = try message.signature(seconds: 1_614_265_330, key: key, previous: previous)
        #expect(both == "\(signature) \(signature)")
        #expect(try WebhookMessage.text(ofKey: key).exposed == "whsec_\(encoded.exposed)")
    }

    @Test func eventsArriveInOrderSignedAndWithoutASecret() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        try await put(vault, "before")
        let added = try await vault.addWebhook(stand.url, types: [.tokensPut, .disconnected])
        let key = added.secret.exposed
        let reference = try #require(try vault.status(ConnectionID("before"))?.reference)
        try await running(vault) {
            for name in ["ann", "ben \"quoted\" \u{e4}", "cid"] { try await put(vault, name) }
            try await vault.delete(ConnectionID("before"))
            try await stand.wait("four messages") { stand.requests.count >= 4 }
        }
        let requests = stand.requests
        #expect(requests.count == 4)
        let messages = try requests.map(message)
        #expect(
            messages.map(\.type) == Array(repeating: "connection.tokens_put", count: 3)
                + ["connection.disconnected"])
        #expect(
            messages.map(\.data.connection) == ["ann", "ben \"quoted\" \u{e4}", "cid", nil])
        #expect(messages.last?.data.reference == reference)
        #expect(Set(requests.map { $0.header("webhook-id") ?? "" }).count == 4)
        for request in requests {
            #expect(request.head.hasPrefix("POST /events HTTP/1.1"))
            #expect(request.header("content-type") == "application/json")
            #expect(try isSigned(request, key))
            #expect(!request.body.contains("access-token-of-nobody"))
        }
        let webhook = try #require(try await vault.webhooks().first)
        #expect(webhook.pending == 0 && webhook.lastSuccess != nil && webhook.attempts == 0)
        vault.close()
    }

    @Test func whatIsNotTakenIsTriedAgainAndHoldsBackWhatFollows() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        _ = try await vault.addWebhook(stand.url, types: [.tokensPut])
        // A redirect is not followed, an error and a closed connection are not a success.
        stand.set { count in
            switch count {
            case 1: .reply(status: 302, headers: ["Location: /elsewhere"])
            case 2: .reply(status: 500, body: String(repeating: "x", count: 100_000))
            case 3: .close
            default: .reply(status: 204)
            }
        }
        try await running(vault) {
            for name in ["ann", "ben"] { try await put(vault, name) }
            for count in 1...3 {
                try await stand.wait("attempt \(count)") {
                    try await vault.webhooks().first?.attempts == count
                }
                #expect(stand.requests.count == count)
                stand.time.advance(seconds: 3600, vault)
            }
            try await stand.wait("the others") { stand.requests.count >= 5 }
        }
        let names = try stand.requests.map { try message($0).data.connection }
        #expect(names == ["ann", "ann", "ann", "ann", "ben"])
        #expect(Set(stand.requests.prefix(4).map { $0.header("webhook-id") }).count == 1)
        #expect(stand.requests.allSatisfy { $0.head.hasPrefix("POST /events ") })
        let times = stand.requests.compactMap { Int64($0.header("webhook-timestamp") ?? "") }
        #expect(zip(times, times.dropFirst()).prefix(3).allSatisfy { $1 - $0 >= 3600 })
        vault.close()
    }

    @Test func aClockThatWasAheadForAWhileDoesNotSilenceIt() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        _ = try await vault.addWebhook(stand.url, types: [.tokensPut])
        stand.set { $0 == 1 ? .reply(status: 500) : .reply() }
        stand.time.advance(seconds: 400 * 86_400, vault)
        try await running(vault) {
            try await put(vault, "ann")
            try await stand.wait("a failure") {
                try await vault.webhooks().first?.attempts == 1
            }
            stand.time.setBack(seconds: 400 * 86_400, vault)
            try await stand.wait("another attempt") { stand.requests.count >= 2 }
        }
        vault.close()
    }

    @Test func waitsGrowAndHonourRetryAfter() {
        func wait(_ attempts: Int, _ random: Double, _ retryAfter: Int64? = nil) -> Int64 {
            Vault.deliveryWait(after: attempts, random: random, retryAfter)
        }
        #expect(wait(0, 0) == 1000 && wait(0, 1) == 2000)
        #expect(wait(1, 1) == 4000 && wait(5, 1) == 64_000)
        #expect(wait(30, 1) == 3_600_000 && wait(2_000_000, 0) == 1_800_000)
        #expect(wait(0, 0, 120) == 120_000)
        #expect(wait(0, 0, -5) == 1000)
        #expect(wait(0, 0, .max) == 86_400_000)
    }

    @Test func itIsTriedForThreeDaysAndThenStopsUntilItIsResumed() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        let id = try await vault.addWebhook(stand.url, types: [.tokensPut]).id
        stand.set { _ in .reply(status: 503, headers: ["Retry-After: 21600"]) }
        try await running(vault) {
            try await put(vault, "ann")
            var rounds = 0
            try await stand.wait("the end") {
                let webhook = try await vault.webhooks().first
                if webhook?.stopCause != nil { return true }
                if let next = webhook?.nextAttempt, next > stand.time.now() {
                    rounds += 1
                    #expect(next.milliseconds(since: stand.time.now()) <= 21_600_000)
                    stand.time.advance(seconds: 21_600, vault)
                }
                return false
            }
            // Every six hours as asked, for three days.
            #expect((12...13).contains(rounds), "\(rounds)")
            let stopped = try #require(try await vault.webhooks().first)
            #expect(stopped.stopCause == .failed && stopped.failureNumber == 503)
            #expect(stopped.pending == 1)
            let count = stand.requests.count
            try await put(vault, "ben")
            stand.time.advance(seconds: 86_400, vault)
            try await Task.sleep(for: .milliseconds(100))
            #expect(stand.requests.count == count)
            stand.set { _ in .reply() }
            try await vault.resumeWebhook(id)
            try await stand.wait("both") { stand.requests.count >= count + 2 }
            let names = try stand.requests.suffix(2).map { try message($0).data.connection }
            #expect(names == ["ann", "ben"])
        }
        vault.close()
    }

    @Test func goneStopsItAtOnce() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        _ = try await vault.addWebhook(stand.url, types: [.tokensPut])
        stand.set { _ in .reply(status: 410) }
        try await running(vault) {
            for name in ["ann", "ben"] { try await put(vault, name) }
            try await stand.wait("the stop") {
                try await vault.webhooks().first?.stopCause == .gone
            }
            try await stand.wait("its count") { try vault.counters().stoppedWebhookCount == 1 }
            stand.time.advance(seconds: 86_400, vault)
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(stand.requests.count == 1)
        vault.close()
    }

    @Test func aRestartGoesOnWithWhatWasNotTaken() async throws {
        let stand = try Stand()
        var vault = try stand.open()
        let added = try await vault.addWebhook(stand.url, types: [.tokensPut])
        let key = added.secret.exposed
        stand.set { $0 <= 2 ? .reply() : .reply(status: 500) }
        try await running(vault) {
            for name in ["ann", "ben", "cid", "dee"] { try await put(vault, name) }
            try await stand.wait("a failure") {
                try await vault.webhooks().first?.attempts == 1
            }
        }
        vault.close()
        // Nobody delivers meanwhile, and what happens is not lost.
        vault = try stand.open()
        try await put(vault, "eve")
        #expect(try await vault.webhooks().first?.pending == 3)
        #expect(try await vault.webhooks().first?.attempts == 1)
        stand.set { _ in .reply() }
        stand.time.advance(seconds: 3600, vault)
        try await running(vault) {
            try await stand.wait("all") { stand.requests.count >= 6 }
        }
        let names = try stand.requests.map { try message($0).data.connection }
        #expect(names == ["ann", "ben", "cid", "cid", "dee", "eve"])
        for request in stand.requests { #expect(try isSigned(request, key)) }
        vault.close()
    }

    @Test func twoKeysSignWhileOneIsChanged() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        let added = try await vault.addWebhook(stand.url)
        let (id, first) = (added.id, added.secret.exposed)
        let second = try await vault.rotateWebhook(id).secret.exposed
        #expect(first != second && second.hasPrefix("whsec_"))
        func sent() async throws -> ScriptedServer.Request {
            #expect(try await vault.testWebhook(id).isDelivered)
            return try #require(stand.requests.last)
        }
        var request = try await sent()
        #expect(try isSigned(request, first) && isSigned(request, second))
        #expect(try message(request).type == "webhook.test")
        stand.time.advance(seconds: 86_401, vault)
        request = try await sent()
        #expect(try !isSigned(request, first) && isSigned(request, second))
        let third = try await vault.rotateWebhook(id, keepingPrevious: .zero).secret.exposed
        request = try await sent()
        #expect(try !isSigned(request, second) && isSigned(request, third))
        vault.close()
    }

    @Test func addressesAreRefusedAsThoseOfProvidersAre() async throws {
        let stand = try Stand()
        let vault = try stand.open(allowsLoopback: false)
        for url in [
            stand.url, "http://example.com/", "https://10.0.0.1/", "https://169.254.169.254/x",
            "https://localhost/", "https://user@example.com/", "https://example.com/#x", "x",
            "https://[::1]/", "https://example.com:22/",
        ] {
            #expect(
                await code { _ = try await vault.addWebhook(url) } == .endpointRefused, "\(url)")
        }
        #expect(try await vault.webhooks().isEmpty)
        vault.close()
        // One that was allowed once is looked at again each time.
        let lenient = try stand.open()
        let id = try await lenient.addWebhook(stand.url).id
        lenient.close()
        let strict = try stand.open(allowsLoopback: false)
        let outcome = try await strict.testWebhook(id)
        #expect(!outcome.isDelivered && outcome.number == 0)
        #expect(outcome.detail.cause == .loopbackAddress)
        #expect(stand.requests.isEmpty)
        strict.close()
    }

    @Test func whatIsRemovedIsErasedAndLeavesItsPlace() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        var ids: [WebhookID] = []
        for _ in 0..<Vault.webhooksMax { ids.append(try await vault.addWebhook(stand.url).id) }
        #expect(await code { _ = try await vault.addWebhook(stand.url) } == .limitExceeded)
        let gone = ids.removeFirst()
        try await vault.removeWebhook(gone)
        #expect(await code { try await vault.removeWebhook(gone) } == .notFound)
        #expect(await code { try await vault.resumeWebhook(gone) } == .notFound)
        #expect(await code { _ = try await vault.rotateWebhook(gone) } == .notFound)
        #expect(await code { _ = try await vault.testWebhook(gone) } == .notFound)
        ids.append(try await vault.addWebhook(stand.url).id)
        #expect(try await Set(vault.webhooks().map(\.id)) == Set(ids))
        vault.close()
        // Verified again, and all there.
        let next = try stand.open()
        #expect(try await Set(next.webhooks().map(\.id)) == Set(ids))
        next.close()
        #expect(try Vault.audit(stand.test.path, rootKey: .file(stand.test.keyFile)).isWhole)
    }

    @Test func aRemovalThatWasCutShortIsFinishedAndIsNoEvent() async throws {
        let stand = try Stand()
        var vault = try stand.open()
        let id = try await vault.addWebhook(stand.url).id
        let fence = Commit()
        fence.add(.fence(vault.store.key(.webhook, id.text)))
        _ = try await vault.durable(fence)
        vault.close()
        vault = try stand.open()
        #expect(try await vault.webhooks().isEmpty)
        #expect(try await vault.events(after: nil).events.isEmpty)
        vault.close()
    }

    @Test func ofTwoRunsOneDelivers() async throws {
        let stand = try Stand()
        let vault = try stand.open()
        _ = try await vault.addWebhook(stand.url, types: [.tokensPut])
        let first = Task { try await vault.run() }
        let second = Task { try await vault.run() }
        for name in ["ann", "ben", "cid"] { try await put(vault, name) }
        try await stand.wait("three") { stand.requests.count >= 3 }
        first.cancel()
        _ = await first.result
        try await put(vault, "dee")
        try await stand.wait("the fourth") { stand.requests.count >= 4 }
        second.cancel()
        _ = await second.result
        let names = try stand.requests.map { try message($0).data.connection }
        #expect(names == ["ann", "ben", "cid", "dee"])
        vault.close()
    }
}
