// SPDX-License-Identifier: Apache-2.0

/// A change of a connection's record that is decided where it is made: inside the transaction, so
/// that nobody writes between the reading and the writing. Every token is written by one.
///
/// Another engine behind the seam reads, edits, and compares and swaps by generation until nobody
/// came between; so the edit must not mind being run again. It may read other records, and finds
/// them as they are before this transaction or in it.
final class Revision: Sendable {
    /// What the edit decides.
    enum Decision {
        /// The record is written, and is due when it was.
        case change
        /// The record is written, and refreshed next as planned; nil where it is not.
        case replan(Plan?)
        case leave
    }

    /// What became of the record.
    enum Fate {
        case changed, left
        /// There is no such record, and none is to be made.
        case missing
        /// It is being disconnected: nothing but its erasure changes it.
        case disconnecting

        /// Whether there is a record that is not being disconnected.
        var isThere: Bool { self == .changed || self == .left }
    }

    /// The record as it is at this moment, and its version. What it throws, its commit fails with.
    typealias Edit =
        @Sendable (inout ConnectionRecord, RecordVersion) throws(VaultError) -> Decision

    let edit: Edit
    /// By how many bytes the record may grow, for the room on the disk.
    let addedBytesMax: Int
    /// The record without its tokens, for an edit that sets both; an engine may open it instead.
    let kept: KeptRecord?
    /// Makes the record that is edited where there is none; its version is `absent` then.
    let new: (@Sendable () throws(VaultError) -> ConnectionRecord)?

    init(
        addedBytesMax: Int, kept: KeptRecord? = nil,
        new: (@Sendable () throws(VaultError) -> ConnectionRecord)? = nil, _ edit: @escaping Edit
    ) {
        self.addedBytesMax = addedBytesMax
        self.kept = kept
        self.new = new
        self.edit = edit
    }
}
