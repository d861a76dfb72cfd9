// SPDX-License-Identifier: Apache-2.0

/// The seam to the network: takes one POST after another and answers each exactly once.
///
/// The vault uses `Curl`; a simulator puts its own network here.
package protocol Transport: AnyObject, Sendable {
    /// Takes the request at once, without waiting. Its completion runs later, exactly once, on a
    /// thread of the transport's, also where the request could not even be sent.
    func send(_ request: TransportRequest)
}

/// One POST to a provider. It owns its secrets until it is answered or cancelled; then they are
/// wiped, whoever still holds the request.
package final class TransportRequest: @unchecked Sendable {
    /// Where to: an absolute URL, no secret in it.
    package let url: String
    /// The whole value of the `Authorization` header, where there is one. Only the transport reads
    /// it, after `markSent` and before `answer`.
    package private(set) var authorization: Secret?
    /// The form that is sent. Read under the same rule.
    package private(set) var body: Secret
    /// How long the form is, in bytes. May be read at any time.
    package let bodyByteCount: Int
    /// From the moment it is sent to the last byte of the answer, in milliseconds.
    package let deadlineMilliseconds: Int
    private let completion: Monitor<Completion>

    package typealias Answer = @Sendable (consuming TransportReply) -> Void
    private enum Completion {
        case waiting(Answer)
        case sent(Answer)
        case done
    }

    /// The default deadline, in milliseconds.
    package static let deadlineMillisecondsDefault = 15_000
    /// The longest answer that is read, in bytes: the arena's largest slot.
    package static let replyBytesMax = SecretArena.secretBytesMax

    package init(
        url: String, authorization: consuming Secret?, body: consuming Secret,
        deadlineMilliseconds: Int = TransportRequest.deadlineMillisecondsDefault,
        completion: @escaping Answer
    ) {
        self.url = url
        self.authorization = authorization
        bodyByteCount = body.count
        self.body = body
        self.deadlineMilliseconds = deadlineMilliseconds
        self.completion = Monitor(.waiting(completion))
    }

    /// The transport is about to send the first byte. False where the request was cancelled.
    package func markSent() -> Bool {
        completion.withLock { completion in
            guard case .waiting(let answer) = completion else { return false }
            completion = .sent(answer)
            return true
        }
    }

    /// True once the completion has run, or is about to.
    package var isAnswered: Bool {
        completion.withLock { completion in
            if case .done = completion { true } else { false }
        }
    }

    /// Ends the request if no byte of it was sent. True where this call ended it; the completion
    /// has then run with `TransportReply.Failure.cancelled`.
    package func cancelIfUnsent() -> Bool {
        let answer = completion.withLock { completion -> Answer? in
            guard case .waiting(let answer) = completion else { return nil }
            completion = .done
            return answer
        }
        guard let answer else { return false }
        wipe()
        answer(TransportReply(failure: .cancelled))
        return true
    }

    /// Wipes the secrets and runs the completion, the first time; later calls do nothing.
    package func answer(_ reply: consuming TransportReply) {
        let answer = completion.withLock { completion -> Answer? in
            switch completion {
            case .waiting(let answer), .sent(let answer):
                completion = .done
                return answer
            case .done: return nil
            }
        }
        guard let answer else { return }
        wipe()
        answer(reply)
    }

    // Whoever moved the completion to `done` is alone with the secrets.
    private func wipe() {
        authorization = nil
        body.shorten(to: 0)
    }
}

/// What came back: a complete HTTP answer, or why there is none.
package struct TransportReply: ~Copyable, Sendable {
    /// Why there is no complete answer.
    package enum Failure: Sendable, Hashable {
        /// It was cancelled before a byte was sent.
        case cancelled
        /// The URL, the address it resolves to or a header is not allowed. No byte was sent.
        case refused
        /// No connection came about, or none that can be trusted. No byte was sent.
        case unreachable(curlCode: Int)
        /// The request may have reached the provider, but the answer did not reach us.
        case lost(curlCode: Int)
        /// The deadline passed; as `lost`.
        case deadlineExceeded
        /// The answer is longer than `TransportRequest.replyBytesMax`; as `lost`.
        case tooLong
        /// No slot for the answer, or for the header, came free. No byte was sent.
        case tooManySecrets
    }

    /// Nil for a complete answer.
    package let failure: Failure?
    /// The HTTP status; 0 where there is none.
    package let status: Int
    /// The body, where there is one.
    package var body: Secret?
    /// The value of `Retry-After` in seconds from now (RFC 9110 section 10.2.3), both of its forms.
    package let retryAfterSeconds: Int64?
    /// The value of the `Date` header.
    package let date: UnixTime?

    package init(failure: Failure) {
        self.failure = failure
        status = 0
        body = nil
        retryAfterSeconds = nil
        date = nil
    }

    package init(
        status: Int, body: consuming Secret?, retryAfterSeconds: Int64? = nil, date: UnixTime? = nil
    ) {
        failure = nil
        self.status = status
        self.body = body
        self.retryAfterSeconds = retryAfterSeconds
        self.date = date
    }
}
