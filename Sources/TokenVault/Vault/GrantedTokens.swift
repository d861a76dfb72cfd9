// SPDX-License-Identifier: Apache-2.0

internal import BasicContainers

/// Tokens that a code was exchanged for, on their way into the store. They stay where they arrived,
/// so that nothing but the writer needs a block for them.
final class GrantedTokens: Sendable {
    let reply: TokenReply
    let terms: ConnectionRecord.Terms
    let requestedAt: UnixTime

    init(
        _ reply: consuming TokenReply, _ application: borrowing Application,
        requestedAt: UnixTime
    ) {
        terms = ConnectionRecord.Terms(
            reply, requestedAt: requestedAt,
            providerLifetime: application.provider.defaultLifetimeSeconds,
            applicationLifetime: application.defaultLifetimeSeconds)
        self.reply = reply
        self.requestedAt = requestedAt
    }
}

/// Blocks of the arena that are held from before a code is sent until its tokens are stored: a code
/// can be used once, and what it brings must not be lost for lack of them.
final class ExchangeRoom: Sendable {
    /// What the writer opens, edits and seals a record in whose tokens are of the usual length, and
    /// what goes into the same commit, in bytes. It takes larger blocks where smaller ones are
    /// taken.
    static let byteCounts = [2048, 2048, 2048, 2048, 512, 512, 128, 128, 128, 128, 128, 128]

    private let blocks: Monitor<UniqueArray<Secret>>

    /// Nil where one of them is not free at this moment: whoever needs them must not block a thread
    /// that tasks run on.
    init?() {
        var blocks = UniqueArray<Secret>()
        for byteCount in Self.byteCounts {
            guard let block = Secret(roomFor: byteCount) else { return nil }
            blocks.append(block)
        }
        self.blocks = Monitor(blocks)
    }

    /// Gives them back, to be taken by the writer next.
    func release() { blocks.withLock { $0 = UniqueArray() } }
}
