// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A connection's record from the request that presents its refresh token to the answer that
/// replaces both tokens: what else is in it, and its data key, so that the writer need not open
/// them again.
///
/// It is good for one version of the record and is used once. Whoever gives the attempt up wipes
/// it: with the data key, what LMDB has not overwritten yet could still be read.
final class KeptRecord: Sendable {
    /// An open record, and the key to seal it with.
    struct Content: ~Copyable {
        let dataKey: Secret
        let fields: Fields
    }

    /// The longest rest that is kept, in bytes: blocks for longer ones are there for answers.
    static let byteCountMax = 512

    private let generation: UInt64
    private let slot: UInt32
    /// The tag of the value that it was opened from.
    private let tag: InlineArray<16, UInt8>
    private let content: Mutex<Content?>

    /// Takes the data key, and copies the fields that are no tokens. Nil where these are too long,
    /// or no block is free at this moment.
    init?(_ opened: inout Opened) {
        guard
            let fields = opened.fields.copy(
                without: ConnectionTag.tokens, byteCountMax: Self.byteCountMax),
            let dataKey = opened.dataKey.take()
        else { return nil }
        generation = opened.version.generation
        slot = opened.version.handle.number
        tag = opened.tag
        content = Mutex(Content(dataKey: dataKey, fields: fields))
    }

    /// The content, where it is of this very value.
    func take(_ header: SealedRecord.Header, _ value: RawSpan) -> Content? {
        guard header.generation == generation, header.slot == slot,
            unsafe Sodium.isEqual(tag.span.bytes, SealedRecord.tag(of: value))
        else { return nil }
        return content.withLock { $0.take() }
    }

    var isWiped: Bool {
        content.withLock { content in
            switch content {
            case .some: false
            case .none: true
            }
        }
    }

    func wipe() { content.withLock { $0 = nil } }
}
