// SPDX-License-Identifier: Apache-2.0

/// One version of a record, as the store knows it without opening the record.
struct RecordVersion: Sendable {
    let handle: Handle
    /// Grows with every write, never reused; 0 where there is no record yet.
    let generation: UInt64
    /// The generation of the first version of its present life: of a connection that was
    /// disconnected and connected again it is another.
    let life: UInt64

    /// Of a record that is not there yet.
    static let absent = RecordVersion(handle: .none, generation: 0, life: 0)
    var isAbsent: Bool { generation == 0 }
}
