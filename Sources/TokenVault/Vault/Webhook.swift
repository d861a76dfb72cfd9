// SPDX-License-Identifier: Apache-2.0

/// Where the vault sends events, and how that goes. Its key is shown once, when it is made.
public struct Webhook: Sendable {
    /// Why nothing is sent to it any more.
    @nonexhaustive
    public enum StopCause: String, Sendable {
        /// It answered 410 Gone.
        case gone
        /// It did not take an event in three days.
        case failed
    }

    /// Its id.
    public let id: WebhookID
    /// Where it leads.
    public let url: String
    /// What it is told of.
    public let types: [WebhookType]
    /// When it was added.
    public let created: UnixTime
    /// When it last took an event.
    public let lastSuccess: UnixTime?
    /// When it last did not.
    public let lastFailure: UnixTime?
    /// The HTTP status of that; where no answer came curl's number, negative; 0 where it was not
    /// even asked, as `failureDetail` says.
    public let failureNumber: Int64
    /// What else is known of it.
    public let failureDetail: FailureDetail
    /// How often the event that is next was tried in vain.
    public let attempts: Int
    /// When it is tried again.
    public let nextAttempt: UnixTime?
    /// How many events wait for it.
    public internal(set) var pending: Int
    /// How many events were gone from the log before it took them.
    public let missed: UInt64
    /// Why nothing is sent to it any more; nil where it is.
    public let stopCause: StopCause?
    /// Until when messages are signed with the key before, too.
    public let previousKeyEnd: UnixTime?

    /// The number of the last event that it has dealt with.
    let place: UInt64
    /// When the event that is next was first tried.
    let firstAttempt: UnixTime?

    init(_ record: borrowing WebhookRecord, _ now: UnixTime) throws(VaultError) {
        guard let id = record.id, let url = record.url, let created = record.created else {
            throw VaultError(.recordDamaged, .vault)
        }
        self.id = id
        self.url = url
        self.created = created
        // What an earlier version knew, and this one does not, is told by nobody.
        types = record.types.compactMap { WebhookType($0) }
        lastSuccess = record.lastSuccess
        lastFailure = record.lastFailure
        let failure = FailureNumber(raw: record.failure)
        (failureNumber, failureDetail) = (failure.number, failure.detail)
        attempts = Int(record.attempts)
        firstAttempt = record.firstAttempt
        nextAttempt = record.nextAttempt
        pending = 0
        missed = record.missed
        stopCause = record.stop.map { $0 == .gone ? .gone : .failed }
        previousKeyEnd = record.previousKeyEnd.flatMap { $0 > now ? $0 : nil }
        place = record.place
    }

    /// Whether an event of this kind may be one that it is told of.
    func wants(_ kind: VaultEvent.Kind) -> Bool { types.contains { $0.kinds.contains(kind) } }
}

/// A webhook that was added, or has another key: the only time that it is shown.
public struct WebhookKey: ~Copyable, Sendable {
    /// Whose.
    public let id: WebhookID
    /// `whsec_` and the base64 of 32 bytes, as the receiver's library takes it. Wiped when it goes.
    public let secret: Secret
}

/// What came of one message to a webhook.
public struct WebhookOutcome: Sendable, Hashable {
    /// Whether it was taken: an answer of 200 to 299.
    public let isDelivered: Bool
    /// The HTTP status; where no answer came curl's number, negative; 0 where it was not sent.
    public let number: Int64
    /// What else is known.
    public let detail: FailureDetail
    /// After how many seconds it wants to be asked again at the earliest (`Retry-After`).
    let retryAfterSeconds: Int64?
    /// Whether the vault ended it, and nothing is to be learnt from it.
    let isCancelled: Bool
    /// As a record keeps it.
    let raw: Int64

    var isGone: Bool { !isDelivered && number == 410 }

    init(status: Int, retryAfterSeconds: Int64?) {
        isDelivered = (200..<300).contains(status)
        raw = FailureNumber(status: status, FailureDetail()).raw
        number = Int64(status)
        detail = FailureDetail()
        self.retryAfterSeconds = retryAfterSeconds
        isCancelled = false
    }

    init(_ failure: TransportReply.Failure) {
        isDelivered = false
        let delay = Delay.unanswered(failure)
        raw =
            delay.eventNumber == 0
            ? FailureNumber(status: 0, delay.detail).raw : delay.eventNumber
        let failure = FailureNumber(raw: raw)
        (number, detail) = (failure.number, failure.detail)
        retryAfterSeconds = nil
        isCancelled = delay == .unanswered(.cancelled)
    }

    /// The task was cancelled, or the vault is being closed.
    static let cancelled = Self(.cancelled)
}
