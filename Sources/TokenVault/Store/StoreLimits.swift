// SPDX-License-Identifier: Apache-2.0

/// What every store has room for, whatever stands behind the seam.
enum StoreLimits {
    /// The most pending authorizations.
    static let flowsMax = 10_000
    /// The most entries of the log; then the oldest go.
    static let eventsMax: UInt64 = 100_000
    /// The most attempts that one batch records.
    static let batchAttemptsMax = 256
    /// The most snapshots that are read at once; beyond them `limitExceeded` with this number.
    static let readersMax = 512
}
