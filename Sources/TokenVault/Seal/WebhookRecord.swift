// SPDX-License-Identifier: Apache-2.0

/// A webhook as it lies in the store: where it leads, what it is signed with, and how far it has
/// come in the log of events.
struct WebhookRecord: ~Copyable {
    var fields: Fields

    init(fields: consuming Fields) { self.fields = fields }

    init(
        id: WebhookID, url: String, types: [String], key: borrowing Secret, place: UInt64,
        now: UnixTime
    ) throws(VaultError) {
        var fresh = try Fields()
        try fresh.set(WebhookTag.id, text: id.text)
        try fresh.set(WebhookTag.url, text: url)
        try fresh.set(WebhookTag.key, key.bytes)
        try fresh.set(WebhookTag.type, texts: types)
        try fresh.set(WebhookTag.place, integer: place)
        try fresh.set(WebhookTag.created, time: now)
        fields = fresh
    }

    /// Why nothing is sent to it any more.
    enum Stop: UInt8 {
        /// It answered that it is gone (HTTP 410).
        case gone = 1
        /// It did not take an event for as long as it is tried.
        case failed = 2
    }

    var id: WebhookID? {
        guard let text = fields.text(WebhookTag.id) else { return nil }
        return try? WebhookID(text)
    }

    var url: String? { fields.text(WebhookTag.url) }
    var types: [String] { fields.texts(WebhookTag.type) }
    /// The number of the last event that it has dealt with.
    var place: UInt64 { fields.integer(WebhookTag.place) ?? 0 }
    var created: UnixTime? { fields.time(WebhookTag.created) }
    var lastSuccess: UnixTime? { fields.time(WebhookTag.lastSuccess) }
    var lastFailure: UnixTime? { fields.time(WebhookTag.lastFailure) }
    /// A `FailureNumber` of the last failure.
    var failure: Int64 { fields.integer(WebhookTag.failure) ?? 0 }
    /// When the next event was first tried, and how often in vain; nil where it was not.
    var firstAttempt: UnixTime? { fields.time(WebhookTag.firstAttempt) }
    var attempts: UInt32 { fields.integer(WebhookTag.attempts) ?? 0 }
    var nextAttempt: UnixTime? { fields.time(WebhookTag.nextAttempt) }
    var stop: Stop? { fields.integer(WebhookTag.stop).flatMap(Stop.init(rawValue:)) }
    /// How many events had gone from the log before it had dealt with them.
    var missed: UInt64 { fields.integer(WebhookTag.missed) ?? 0 }
    /// Until when the key before signs, too.
    var previousKeyEnd: UnixTime? { fields.time(WebhookTag.previousKeyEnd) }

    func key() throws(VaultError) -> Secret {
        guard let key = try fields.secret(WebhookTag.key) else {
            throw VaultError(.recordDamaged, .seal)
        }
        return key
    }

    /// The key before, where it still signs at that moment.
    func previousKey(_ now: UnixTime) throws(VaultError) -> Secret? {
        guard let end = previousKeyEnd, now < end else { return nil }
        return try fields.secret(WebhookTag.previousKey)
    }

    /// Signs with another key from now on, and with the one before until then.
    mutating func replaceKey(
        _ key: borrowing Secret, keepingPreviousUntil end: UnixTime?
    ) throws(VaultError) {
        let previous = try self.key()
        if let end {
            try fields.set(WebhookTag.previousKey, previous.bytes)
            try fields.set(WebhookTag.previousKeyEnd, time: end)
        } else {
            try forgetPreviousKey()
        }
        try fields.set(WebhookTag.key, key.bytes)
    }

    mutating func forgetPreviousKey() throws(VaultError) {
        try fields.set(WebhookTag.previousKey, nil)
        try fields.set(WebhookTag.previousKeyEnd, nil)
    }

    /// It has dealt with the events up to this one.
    mutating func set(place: UInt64) throws(VaultError) {
        try fields.set(WebhookTag.place, integer: place)
    }

    mutating func add(missed: UInt64) throws(VaultError) {
        guard missed > 0 else { return }
        try fields.set(WebhookTag.missed, integer: self.missed &+ missed)
    }

    mutating func setDelivered(_ now: UnixTime) throws(VaultError) {
        try fields.set(WebhookTag.lastSuccess, time: now)
        try forgetAttempts()
    }

    mutating func forgetAttempts() throws(VaultError) {
        try fields.set(WebhookTag.firstAttempt, nil)
        try fields.set(WebhookTag.attempts, nil)
        try fields.set(WebhookTag.nextAttempt, nil)
    }

    mutating func setFailed(
        _ number: Int64, _ now: UnixTime, next: UnixTime
    ) throws(VaultError) {
        try fields.set(WebhookTag.lastFailure, time: now)
        try fields.set(WebhookTag.failure, integer: number)
        // One that is to come was written while the clock was ahead.
        if firstAttempt.map({ $0 > now }) ?? true {
            try fields.set(WebhookTag.firstAttempt, time: now)
        }
        try fields.set(WebhookTag.attempts, integer: attempts &+ 1)
        try fields.set(WebhookTag.nextAttempt, time: next)
    }

    mutating func set(_ stop: Stop?) throws(VaultError) {
        try fields.set(WebhookTag.stop, integer: stop?.rawValue)
        try forgetAttempts()
    }

    /// The plaintext, to be sealed.
    consuming func plaintext() -> Secret { fields.takeAll() }
}

/// Fields of a webhook.
enum WebhookTag {
    static let id: UInt16 = 1
    static let url: UInt16 = 2
    static let key: UInt16 = 3
    static let previousKey: UInt16 = 4
    static let previousKeyEnd: UInt16 = 5
    static let type: UInt16 = 6
    static let place: UInt16 = 7
    static let created: UInt16 = 8
    static let lastSuccess: UInt16 = 9
    static let lastFailure: UInt16 = 10
    static let failure: UInt16 = 11
    static let firstAttempt: UInt16 = 12
    static let attempts: UInt16 = 13
    static let nextAttempt: UInt16 = 14
    static let stop: UInt16 = 15
    static let missed: UInt16 = 16
}
