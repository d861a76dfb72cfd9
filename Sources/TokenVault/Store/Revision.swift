// SPDX-License-Identifier: Apache-2.0

/// A change of a connection's record that is decided where it is made: inside the transaction, so
/// that nobody writes between the reading and the writing.
///
/// Another engine behind the seam reads, edits, and compares and swaps by generation until nobody
/// came between; so the edit must not mind being run again.
final class Revision: Sendable {
    /// What the edit decides.
    enum Decision {
        case change, leave
    }

    /// What became of the record.
    enum Fate {
        case changed, left
        /// There is no such record, or it is being disconnected: nothing but its erasure changes
        /// it.
        case gone
    }

    typealias Edit =
        @Sendable (inout ConnectionRecord, SealedRecord.Header) throws(VaultError) -> Decision

    let edit: Edit
    /// By how many bytes the record may grow, for the room on the disk.
    let addedBytesMax: Int
    /// The record without its tokens, for an edit that sets both; an engine may open it instead.
    let kept: KeptRecord?

    init(addedBytesMax: Int, kept: KeptRecord? = nil, _ edit: @escaping Edit) {
        self.addedBytesMax = addedBytesMax
        self.kept = kept
        self.edit = edit
    }
}
