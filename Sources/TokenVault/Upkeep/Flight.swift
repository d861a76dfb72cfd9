// SPDX-License-Identifier: Apache-2.0

/// One refresh of one connection, from the moment that somebody wants it to the moment that its
/// outcome is durable.
struct Flight {
    enum Stage {
        /// Somebody waits for it, and it waits for its turn.
        case waiting
        /// Its request is made and its attempt recorded.
        case boarding
        /// The attempt is durable: it may leave as soon as the governor says so.
        case ready
        /// Handed to the transport.
        case sent
        /// Answered, or not sent after all; what follows from it is being stored.
        case landed
    }

    let number: UInt64
    let key: RecordKey
    let slot: UInt32
    let lane: Int
    var death: UnixTime
    var stage: Stage
    /// Whose limits it counts against, from its boarding on; its application may move to another.
    var endpoint = 0
    var waiters: [UpkeepState.WaiterID] = []
    var isOrphan = false
    /// Somebody stored other tokens: these must not be sent any more, and if they were, what
    /// becomes of them is nothing to the others.
    var isSuperseded = false
    /// When it was handed to the transport.
    var sent = UnixTime(milliseconds: 0)
}
