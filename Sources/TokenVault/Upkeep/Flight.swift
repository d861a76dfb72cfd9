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
        /// Not answered in time, and listened to: out of everybody's way, until its answer comes.
        case overdue
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
    /// Who is told when it is overdue.
    var waiters: [UpkeepState.WaiterID] = []
    /// Who waits for its answer, however late.
    var patientWaiters: [UpkeepState.WaiterID] = []
    var isOrphan = false
    /// Somebody stored other tokens: these must not be sent any more, and if they were, what
    /// becomes of them is nothing to the others.
    var isSuperseded = false
    /// When its attempt became durable.
    var recorded = UnixTime(milliseconds: 0)
    /// Which version of its application its request was made of, or an earlier one.
    var revision: UInt32 = 0
    /// Its place in the order in which requests of its application left; 0 before.
    var order: UInt64 = 0
    /// Whether it left while its application was looked at with care.
    var isProbe = false
    /// When it was handed to the transport.
    var sent = UnixTime(milliseconds: 0)
    /// Until when it is listened to, once it is overdue.
    var listensUntil: UnixTime?

    /// Whether it is listened to beyond its deadline.
    var isListenable = false

    /// Whether the transport has it.
    var isOut: Bool { stage == .sent || stage == .overdue }
    /// Everybody who waits.
    var allWaiters: [UpkeepState.WaiterID] {
        patientWaiters.isEmpty ? waiters : waiters + patientWaiters
    }

    /// Its turn has come.
    mutating func board(_ endpoint: Int, revision: UInt32, isListenable: Bool) {
        stage = .boarding
        self.endpoint = endpoint
        self.revision = revision
        self.isListenable = isListenable
    }

    /// Its attempt is durable, as it was written at that time.
    mutating func makeReady(recorded: UnixTime) {
        stage = .ready
        self.recorded = recorded
    }

    /// It is handed to the transport.
    mutating func leave(order: UInt64, isProbe: Bool, _ now: UnixTime) {
        stage = .sent
        self.order = order
        self.isProbe = isProbe
        sent = now
    }
}
