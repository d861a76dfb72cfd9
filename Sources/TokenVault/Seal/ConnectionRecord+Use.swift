// SPDX-License-Identifier: Apache-2.0

// What the platform said last of a use that did not work: the provider's API rejected the token, or
// the component that used the connection met an error of its own.
extension ConnectionRecord {
    /// What it said; until the next use, and a rejection until the next tokens.
    var useFailure: Failure? { failure(ConnectionTag.useFailure) }

    /// The event code of a rejection.
    static let rejectionCode: UInt16 = 12

    /// When the platform said that the provider's API rejected the present access token.
    var rejected: UnixTime? {
        useFailure.flatMap { $0.code == Self.rejectionCode ? $0.time : nil }
    }

    mutating func set(useFailure: Failure?) throws(VaultError) {
        guard useFailure != nil || fields.has(ConnectionTag.useFailure) else { return }
        try set(ConnectionTag.useFailure, useFailure)
    }
}
