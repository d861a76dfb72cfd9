// SPDX-License-Identifier: Apache-2.0

// What the platform said last of a use that did not work: the provider's API rejected the token, or
// the component that used the connection met an error of its own.
extension ConnectionRecord {
    /// What it said; until the next use, and a rejection until the next tokens.
    var useFailure: Failure? {
        guard let range = fields.range(ConnectionTag.useFailure), range.count == 14 else {
            return nil
        }
        let span = fields.bytes
        return Failure(
            code: span.integer(at: range.lowerBound),
            status: span.integer(at: range.lowerBound + 2),
            time: UnixTime(milliseconds: span.integer(at: range.lowerBound + 6)))
    }

    /// The event code of a rejection.
    static let rejectionCode: UInt16 = 12

    /// The bytes by which it lets a record grow.
    static let useFailureBytes = 14

    mutating func set(useFailure: Failure?) throws(VaultError) {
        guard let useFailure else {
            guard fields.has(ConnectionTag.useFailure) else { return }
            return try fields.set(ConnectionTag.useFailure, nil)
        }
        var value = try Secret(zeroes: Self.useFailureBytes)
        value.store(useFailure.code, at: 0)
        value.store(useFailure.status, at: 2)
        value.store(useFailure.time.milliseconds, at: 6)
        try fields.set(ConnectionTag.useFailure, value.bytes)
    }
}
