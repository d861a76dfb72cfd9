// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization
import TokenVault

/// What was answered to requests with an `Idempotency-Key`, so that one that is sent again, since
/// its answer was lost, is done once. In memory alone: a restart forgets it.
final class IdempotencyTable: Sendable {
    /// For how long a key is known.
    static let lifetime = Duration.seconds(86_400)
    /// The most keys that one API key has at a time, and all together.
    static let keysOfOneMax = 10_000
    static let keysMax = 50_000
    /// The most bytes of answers, all together.
    static let bytesMax = 16 << 20

    struct Key: Hashable, Sendable {
        /// Whose it is.
        let apiKey: String
        let text: String
    }

    /// What came of a key that somebody shows.
    enum Finding {
        /// It is new, and now taken.
        case new
        case answered(Answer)
        /// The same request is being answered.
        case inProgress
        /// It was answered, and the answer is kept no longer.
        case forgotten
        case otherRequest
        case full
    }

    private struct Entry {
        let request: Fingerprint
        let expires: ContinuousClock.Instant
        var isDone = false
        var answer: Answer?
        var answerExpires: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var counts: [String: Int] = [:]
        var byteCount = 0
        var pruned: ContinuousClock.Instant?

        mutating func forgetAnswer(_ key: Key) {
            guard let answer = entries[key]?.answer else { return }
            byteCount -= answer.body.readableBytes
            entries[key]?.answer = nil
        }

        mutating func remove(_ key: Key) {
            forgetAnswer(key)
            guard entries.removeValue(forKey: key) != nil else { return }
            counts[key.apiKey, default: 1] -= 1
            if counts[key.apiKey] == 0 { counts[key.apiKey] = nil }
        }
    }

    private let state = Mutex(State())
    /// How often the table is looked through for what has expired.
    private static let pruneInterval = Duration.seconds(10)

    /// - Parameter answerLifetime: for how long the answer is kept at most.
    func take(
        _ key: Key, _ request: Fingerprint, answerLifetime: Duration,
        now: ContinuousClock.Instant = .now
    ) -> Finding {
        state.withLock { state in
            Self.prune(&state, now)
            if let entry = state.entries[key], now < entry.expires {
                guard entry.request == request else { return .otherRequest }
                guard entry.isDone else { return .inProgress }
                guard let answer = entry.answer, now < entry.answerExpires else {
                    return .forgotten
                }
                return .answered(answer)
            }
            guard state.entries.count < Self.keysMax, state.byteCount < Self.bytesMax,
                state.counts[key.apiKey, default: 0] < Self.keysOfOneMax
            else { return .full }
            state.entries[key] = Entry(
                request: request, expires: now + Self.lifetime,
                answerExpires: now + answerLifetime)
            state.counts[key.apiKey, default: 0] += 1
            return .new
        }
    }

    /// Keeps the answer; a request that was refused is forgotten, so that it can be sent again.
    func end(_ key: Key, _ answer: Answer?) {
        state.withLock { state in
            guard let answer else { return state.remove(key) }
            state.entries[key]?.isDone = true
            state.entries[key]?.answer = answer
            state.byteCount += answer.body.readableBytes
        }
    }

    private static func prune(_ state: inout State, _ now: ContinuousClock.Instant) {
        if let pruned = state.pruned, now - pruned < pruneInterval { return }
        state.pruned = now
        for (key, entry) in state.entries {
            if now >= entry.expires {
                state.remove(key)
            } else if now >= entry.answerExpires {
                state.forgetAnswer(key)
            }
        }
    }
}

extension VaultAPI {
    private static let header = HTTPField.Name("Idempotency-Key")
    private static let keyBytesMax = 255

    /// Answers a request that has an `Idempotency-Key` once.
    func once(_ call: Call, _ route: Route) async throws -> Answer {
        guard let answerLifetime = route.answerLifetime, let header = Self.header,
            let text = call.request.headers[header], let apiKey = call.key
        else { return try await route.handler(self, call) }
        guard (1...Self.keyBytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Problem.malformed("Idempotency-Key is 1 to 255 visible characters") }
        let key = IdempotencyTable.Key(apiKey: apiKey.id, text: text)
        let request = try fingerprint(call)
        switch idempotency.take(key, request, answerLifetime: answerLifetime) {
        case .new: break
        case .answered(let answer): return answer
        case .inProgress: throw Problem.inProgress
        case .forgotten: throw Problem.answerForgotten
        case .otherRequest: throw Problem.otherRequest
        case .full: throw Problem.tooManyIdempotencyKeys
        }
        do {
            let answer = try await route.handler(self, call)
            idempotency.end(key, answer)
            return answer
        } catch {
            idempotency.end(key, nil)
            throw error
        }
    }

    /// Of method, target and body, under a key of this process alone: a client secret may be in it.
    private func fingerprint(_ call: Call) throws(VaultError) -> Fingerprint {
        let target = "\(call.request.method.rawValue) \(call.request.head.path ?? "")\n"
        var all = ByteBuffer()
        all.reserveCapacity(target.utf8.count + call.body.readableBytes)
        all.writeString(target)
        all.writeImmutableBuffer(call.body)
        return try Fingerprint(all.readableBytesSpan, key: fingerprintKey)
    }
}

extension Problem {
    fileprivate static let inProgress = Problem(
        .conflict, "requestInProgress", "The same request is being answered",
        "Send it again in a second.", headers: [(.retryAfter, "1")])
    fileprivate static let answerForgotten = Problem(
        .conflict, "answerForgotten", "It was done, and its answer is not kept any more",
        "A link is of no use after ten minutes: ask for another one with another "
            + "Idempotency-Key.")
    fileprivate static let otherRequest = Problem(
        .unprocessableContent, "idempotencyKeyReused", "The Idempotency-Key is another request's",
        "Use a new one for each request that is not a repetition.")
    fileprivate static let tooManyIdempotencyKeys = Problem(
        .tooManyRequests, "tooManyIdempotencyKeys", "Too many Idempotency-Keys are in use",
        "Send the header where a repetition would do harm, and there alone; each is known for 24 "
            + "hours.", headers: [(.retryAfter, "60")])
}
