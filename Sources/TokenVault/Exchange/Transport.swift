// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The seam to the network: takes one request after another and answers each exactly once.
///
/// The vault uses `Curl`; a simulator puts its own network here.
package protocol Transport: AnyObject, Sendable {
    /// Takes the request at once, without waiting. Its completion runs later, exactly once, on a
    /// thread of the transport's, also where the request could not even be sent.
    func send(_ request: TransportRequest)
}

/// One request to a provider. It owns its secrets until all of it is sent, or it is cancelled; then
/// they are wiped, whoever still holds the request.
///
/// Where nothing but its answer holds the new refresh token it is listened to beyond its deadline:
/// that lets go of who waits, not of the answer.
package final class TransportRequest: @unchecked Sendable {
    /// Where to: an absolute URL, no secret in it.
    package let url: String
    /// Who sends it, where that goes into the header. Only the transport reads it, after `markSent`
    /// and before `answer`.
    package private(set) var credentials: ClientCredentials?
    /// The form that is sent. Read under the same rule.
    package private(set) var body: Secret?
    /// What the client has signed, where it lies in the form. Read under the same rule.
    private var assertions: [AssertionMaker.Placed]
    /// How long the form, and the header lines that not every request has, are, in bytes. May be
    /// read at any time.
    package let bodyByteCount: Int
    let headerByteCount: Int
    /// What it is where it is no POST of a form; nil for that.
    package let head: Head?
    /// From the moment it is sent to the last byte of the answer, in milliseconds. Then the
    /// transport hangs up, or calls `tellOverdue` and listens on.
    package let deadlineMilliseconds: Int
    /// How long it is listened to, from the same moment, in milliseconds: the transport hangs up
    /// then at the latest. Up to `deadlineMilliseconds` where the deadline is the end.
    package let listenMilliseconds: Int
    /// How the provider's answers differ; nil where they do not.
    let rules: ReplyRules?
    /// Whether it may take one of the transfers that are kept free of refreshes.
    package let isReserved: Bool
    /// How far it has come. Whoever moves it to `answered` is alone with all that is not constant.
    private let stage = Atomic(Stage.waiting)
    private var completion: Answer?
    private var overdue: Overdue?

    package typealias Answer = @Sendable (consuming TransportReply) -> Void
    package typealias Overdue = @Sendable () -> Void
    private enum Stage: UInt8, AtomicRepresentable {
        case waiting, sent, answered
    }

    /// The default deadline, in milliseconds.
    package static let deadlineMillisecondsDefault = 15_000

    package init(
        url: String, credentials: ClientCredentials?, body: consuming Secret, head: Head? = nil,
        assertions: [AssertionMaker.Placed] = [],
        deadlineMilliseconds: Int = TransportRequest.deadlineMillisecondsDefault,
        listenMilliseconds: Int = 0, isReserved: Bool = false, rules: ReplyRules? = nil,
        overdue: Overdue? = nil, completion: @escaping Answer
    ) {
        self.url = url
        self.head = head
        self.credentials = credentials
        self.assertions = assertions
        headerByteCount = credentials?.headerByteCount ?? 0
        bodyByteCount = body.count
        self.body = consume body
        self.deadlineMilliseconds = deadlineMilliseconds
        self.listenMilliseconds = listenMilliseconds
        self.isReserved = isReserved
        self.rules = rules
        self.overdue = overdue
        self.completion = completion
    }

    /// The transport is about to send the first byte. False where the request was cancelled.
    package func markSent() -> Bool { move(from: .waiting, to: .sent) }

    /// Has what the client signed made anew where the request has waited for so long that it is
    /// about to expire. The transport calls it after `markSent`, before it reads the form. False
    /// where there is no room for that: then nothing may be sent.
    package func renewAssertions() -> Bool {
        guard !assertions.isEmpty, var form = body.take() else { return true }
        let isRenewed = assertions.allSatisfy { $0.renew(in: &form) }
        body = consume form
        return isRenewed
    }

    /// Whether the answer is listened for beyond the deadline.
    package var isListenedTo: Bool { listenMilliseconds > deadlineMilliseconds }

    /// Wipes what was sent: nobody reads it again. The transport calls it when the last byte has
    /// left, before the answer.
    package func wipe() {
        credentials = nil
        assertions = []
        body = nil
    }

    /// Whether its secrets are gone.
    package var isWiped: Bool {
        switch body {
        case .some: false
        case .none: true
        }
    }

    /// The deadline has passed, and the answer is listened for. The transport calls it, before the
    /// answer; only the first call says so.
    package func tellOverdue() {
        let overdue = overdue.take()
        overdue?()
    }

    /// True once the completion has run, or is about to.
    package var isAnswered: Bool { stage.load(ordering: .acquiring) == .answered }

    /// Ends the request if no byte of it was sent. True where this call ended it; the completion
    /// has then run with `TransportReply.Failure.cancelled`.
    package func cancelIfUnsent() -> Bool {
        guard move(from: .waiting, to: .answered) else { return false }
        finish(TransportReply(failure: .cancelled))
        return true
    }

    /// Wipes the secrets and runs the completion, the first time; later calls do nothing.
    package func answer(_ reply: consuming TransportReply) {
        guard stage.exchange(.answered, ordering: .acquiringAndReleasing) != .answered else {
            return
        }
        finish(reply)
    }

    private func move(from expected: Stage, to desired: Stage) -> Bool {
        stage.compareExchange(
            expected: expected, desired: desired, ordering: .acquiringAndReleasing
        ).exchanged
    }

    private func finish(_ reply: consuming TransportReply) {
        wipe()
        overdue = nil
        // What the completion holds ends with it, whoever still holds the request.
        let answer = completion.take()
        answer?(reply)
    }
}

/// What came back: a complete HTTP answer, or why there is none.
package struct TransportReply: ~Copyable, Sendable {
    /// Why there is no complete answer.
    package enum Failure: Sendable, Hashable {
        /// It was cancelled before a byte was sent.
        case cancelled
        /// The URL, the address it resolves to or a header is not allowed: which rule it breaks.
        /// No byte was sent.
        case refused(FailureCause)
        /// No connection came about. No byte was sent.
        case unreachable(curlCode: Int)
        /// The proxy could not be reached, or refuses: its HTTP status; below 100, curl's number; 0
        /// where its own address is not allowed. No byte was sent to the provider.
        case proxyFailed(number: Int)
        /// The certificate that was shown is not trusted: OpenSSL's reason (`X509_V_ERR_...`), 0
        /// where it names none. No byte was sent.
        case untrusted(verifyResult: Int)
        /// The request may have reached the provider, but the answer did not reach us.
        case lost(curlCode: Int)
        /// The deadline passed; as `lost`.
        case deadlineExceeded
        /// The answer is longer than is read, see `ReplyBody`; as `lost`.
        case tooLong
        /// No block for the answer came free. No byte was sent.
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
    /// The value of the `Date` header: the provider's clock.
    package let date: HTTPDate.Text?
    /// Whether its content type says that the body may be a form.
    let isForm: Bool

    package init(failure: Failure) {
        self.failure = failure
        status = 0
        body = nil
        retryAfterSeconds = nil
        date = nil
        isForm = false
    }

    package init(
        status: Int, body: consuming Secret?, retryAfterSeconds: Int64? = nil,
        date: HTTPDate.Text? = nil, isForm: Bool = false
    ) {
        failure = nil
        self.status = status
        self.body = body
        self.retryAfterSeconds = retryAfterSeconds
        self.date = date
        self.isForm = isForm
    }
}
