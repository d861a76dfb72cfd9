// SPDX-License-Identifier: Apache-2.0

/// One refresh of one connection, from the moment that somebody wants it or its turn comes to the
/// moment that its outcome is durable. All that is known of it is here, and nobody has a copy.
///
/// What varies is read and written under the lock of the upkeep. Only what is said to be written
/// before its request leaves is read without: from then on it is constant.
final class RefreshAttempt: @unchecked Sendable {
    /// How far it has come.
    enum Stage {
        /// A caller waits for it, and it waits for its turn.
        case waiting
        /// Its request is being made, and its attempt record written.
        case preparing
        /// The attempt record is durable: it may leave as soon as the governor says so.
        case ready
        /// Handed to the transport.
        case sent
        /// Not answered in time, and listened to until its answer comes, while others go on.
        case overdue
        /// Answered, or not sent after all; what follows from it is being stored.
        case answered
        /// Nothing is left to do.
        case ended
    }

    // MARK: Which connection it is for

    /// Counts attempts: an order that no hash decides.
    let number: UInt64
    let key: RecordKey
    let handle: Handle
    /// The queue of its application.
    let queue: Int
    /// When the connection's tokens are of no use any more.
    var death: UnixTime
    /// Since when it is due, where nobody asked for it.
    var due: UnixTime?

    // MARK: How far it has come

    var stage: Stage
    /// Whose limits it counts against, from its turn on; its application may move to another.
    var endpoint = 0
    /// Its connection is being disconnected: what comes is revoked, never stored.
    var isOrphan = false
    /// Somebody stored other tokens: these must not be sent any more, and if they were, what
    /// becomes of them does not concern the others.
    var isSuperseded = false
    /// It is overdue, and its connection has other tokens by now or is gone: that may have another
    /// attempt meanwhile.
    var isDetached = false
    /// When its attempt record was written.
    var recorded = UnixTime(milliseconds: 0)
    /// Which version of its application its request was made of, or an earlier one.
    var revision: UInt32 = 0
    /// Its place in the order in which requests of its application left; 0 before.
    var order: UInt64 = 0
    /// Whether it left while its application was looked at with care.
    var isProbe = false
    /// When it was handed to the transport.
    var sent = UnixTime(milliseconds: 0)
    /// Whether it is listened to beyond its deadline.
    var isListenable = false
    /// Until when it is listened to, once it is overdue.
    var listensUntil: UnixTime?
    /// How often its answer could not be stored, for other reasons than room.
    var storeFailureCount = 0

    // MARK: Who waits

    /// Who is told when it is overdue.
    var callers: [Caller] = []
    /// Who waits for its answer, however late.
    var patientCallers: [Caller] = []
    /// Disconnects of its connection, which wait for its end.
    var disconnects: [Caller] = []
    /// The grant that its tokens were of, where they were replaced by those of another, and what
    /// it brings is to be revoked.
    var replacedGrant: ReplacedGrant?

    // MARK: What is sent; written before it leaves

    /// What it presents, and to whom.
    var source: Source
    /// The request; it can be taken back while it has not left.
    var request: TransportRequest?
    /// The record as it was sent; nil where there was no room to keep it.
    var kept: KeptRecord?
    /// The batch that its attempt record is in; nil where it was not written.
    var batch: UInt64?
    /// Why the attempt record could not be written.
    var refusal: VaultError?

    /// The record that a request was made of.
    struct Source: Sendable {
        var id: ConnectionID?
        var application: ApplicationID
        /// What is the connection's own of it.
        var own: OwnSettings?
        /// The version of the record: of the pair that the answer replaces.
        var generation: UInt64 = 0
        var providerLifetime: Int64?
        var applicationLifetime: Int64?
        /// What its tokens came by.
        var grant = GrantType.authorizationCode
        /// Whether the access token was presented, or nothing: no refresh token outlives the
        /// answer.
        var isExchange = false
        /// Whether the provider's limits say that the grant is over.
        var isOver = false
        /// Whether the log says of the connection that it fails.
        var isTroubled = false
        /// What a definition calls the place where it is sent.
        var endpoint = FailureSubject.tokenEndpoint
    }

    init(
        number: UInt64, key: RecordKey, handle: Handle, queue: Int, application: ApplicationID,
        death: UnixTime, stage: Stage
    ) {
        self.number = number
        self.key = key
        self.handle = handle
        self.queue = queue
        self.death = death
        self.stage = stage
        source = Source(application: application)
    }

    /// The connection's id, once its record was opened.
    var id: ConnectionID? { source.id }
    /// The request that may be taken back, or is out: its attempt record is durable.
    var outgoing: TransportRequest? { stage == .ready || isOut ? request : nil }
    /// Whether the transport has it.
    var isOut: Bool { stage == .sent || stage == .overdue }
    /// Whether its connection is not there to be told of it any more, or has other tokens.
    var isOfTheFormer: Bool { isOrphan || isSuperseded }
    /// Whether somebody waits for it, be it a disconnect.
    var isAwaited: Bool { !callers.isEmpty || !patientCallers.isEmpty || isOrphan }

    /// Its turn has come.
    func takeTurn(_ endpoint: Int, revision: UInt32, isListenable: Bool) {
        stage = .preparing
        self.endpoint = endpoint
        self.revision = revision
        self.isListenable = isListenable
    }

    /// It is handed to the transport.
    func leave(order: UInt64, isProbe: Bool, _ now: UnixTime) {
        stage = .sent
        self.order = order
        self.isProbe = isProbe
        sent = now
    }

    /// Everybody who waits for the refresh; they are told by whoever takes them.
    func takeCallers() -> [Caller] {
        defer { (callers, patientCallers) = ([], []) }
        return patientCallers.isEmpty ? callers : callers + patientCallers
    }

    /// The disconnects that wait for its end; told by whoever takes them.
    func takeDisconnects() -> [Caller] {
        defer { disconnects = [] }
        return disconnects
    }

    /// A caller gave up waiting; the attempt goes on.
    func leave(_ caller: Caller) {
        callers.removeAll { $0 === caller }
        patientCallers.removeAll { $0 === caller }
    }

    /// Moves all its moments by so many milliseconds.
    func move(milliseconds: Int64) {
        death = death.adding(milliseconds: milliseconds)
        due = due?.adding(milliseconds: milliseconds)
        recorded = recorded.adding(milliseconds: milliseconds)
        sent = sent.adding(milliseconds: milliseconds)
        listensUntil = listensUntil?.adding(milliseconds: milliseconds)
    }
}
