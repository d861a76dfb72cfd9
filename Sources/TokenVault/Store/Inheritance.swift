// SPDX-License-Identifier: Apache-2.0

/// What earlier processes left behind.
struct Inheritance: Sendable {
    /// Attempts whose answer was never heard, the oldest batch first.
    var attempts: [InheritedAttempt] = []
    /// Disconnects that were cut short and can be finished at once. The others follow the scan.
    var unfinished: [RecordKey] = []
}

/// An attempt of an earlier process: the batch that it was recorded in, and when.
struct InheritedAttempt: Sendable {
    let batch: UInt64
    let attempt: AttemptRecord
    let recorded: UnixTime
}
