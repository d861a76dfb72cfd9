// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A webhook as JSON has it, without its key.
struct WebhookForm: Codable, Sendable {
    var id: String
    var url: String
    var types: [String]
    var created: Moment
    var lastSuccess: Moment?
    var lastFailure: Moment?
    var failureNumber: Int64?
    var failureDetail: DetailForm?
    /// How often the next event was tried in vain.
    var attempts: Int
    var nextAttempt: Moment?
    /// How many events wait for it.
    var pending: Int
    /// How many were gone before it took them.
    var missed: UInt64
    /// Why nothing is sent any more: `gone`, `failed`.
    var stopped: String?
    var previousKeyUntil: Moment?

    enum CodingKeys: String, CodingKey {
        case id, url, types, created, attempts, pending, missed, stopped
        case lastSuccess = "last_success"
        case lastFailure = "last_failure"
        case failureNumber = "failure_number"
        case failureDetail = "failure_detail"
        case nextAttempt = "next_attempt"
        case previousKeyUntil = "previous_key_until"
    }

    init(_ webhook: Webhook) {
        id = webhook.id.text
        url = webhook.url
        types = webhook.types.map(\.name)
        created = Moment(webhook.created)
        lastSuccess = webhook.lastSuccess.map(Moment.init)
        lastFailure = webhook.lastFailure.map(Moment.init)
        failureNumber = webhook.failureNumber == 0 ? nil : webhook.failureNumber
        failureDetail = DetailForm(webhook.failureDetail)
        attempts = webhook.attempts
        nextAttempt = webhook.nextAttempt.map(Moment.init)
        pending = webhook.pending
        missed = webhook.missed
        stopped = webhook.stopCause?.rawValue
        previousKeyUntil = webhook.previousKeyEnd.map(Moment.init)
    }

    /// How it is, in words.
    func state(_ now: UnixTime) -> String {
        switch stopped {
        case "gone": return "stopped: it answered 410 Gone"
        case .some: return "stopped: it took no event in three days; \(failure)"
        case nil: break
        }
        guard attempts > 0 else { return lastSuccess == nil ? "nothing sent yet" : "works" }
        let next = nextAttempt.map { ", again \($0.time.distance(from: now))" } ?? ""
        return "\(attempts.counted("attempt")) failed: \(failure)\(next)"
    }

    private var failure: String {
        let detail = failureDetail?.detail ?? FailureDetail()
        return EventNumber.text(failure: failureNumber ?? 0, detail) ?? "not sent"
    }
}

/// What came of a message to a webhook.
struct WebhookOutcomeForm: Codable, Sendable {
    var delivered: Bool
    var number: Int64
    var detail: DetailForm?

    init(_ outcome: WebhookOutcome) {
        delivered = outcome.isDelivered
        number = outcome.number
        detail = DetailForm(outcome.detail)
    }

    /// The same for people.
    var text: String {
        EventNumber.text(failure: number, detail?.detail ?? FailureDetail()) ?? "not sent"
    }
}
