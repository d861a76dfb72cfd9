// SPDX-License-Identifier: Apache-2.0

internal import BasicContainers

/// Tokens that a code was exchanged for, on their way into the store. They stay where they arrived,
/// so that nothing but the writer needs a slot for them.
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

/// Slots that are kept from before a code is sent to when its tokens are stored: a code can be used
/// once, and what it brings must not be lost for lack of them.
final class ExchangeRoom: Sendable {
    /// What the writer opens, edits and seals a record in whose tokens are of the usual length, and
    /// what goes into the same commit, in bytes. It takes larger slots where smaller ones are
    /// taken.
    static let byteCounts = [2048, 2048, 2048, 2048, 512, 512, 128, 128, 128, 128, 128, 128]

    private let slots: Monitor<UniqueArray<Secret>>

    /// Nil where one of them is not free at this moment: whoever needs them must not block a thread
    /// that tasks run on.
    init?() {
        var slots = UniqueArray<Secret>()
        for byteCount in Self.byteCounts {
            guard let slot = Secret(roomFor: byteCount) else { return nil }
            slots.append(slot)
        }
        self.slots = Monitor(slots)
    }

    /// Gives them back, to be taken by the writer next.
    func release() { slots.withLock { $0 = UniqueArray() } }
}
