// SPDX-License-Identifier: Apache-2.0

/// How a connection is: its light, why, and what to do.
public struct ConnectionStatus: Sendable {
    /// The three colours people see.
    public enum Light: String, Sendable {
        /// Used with success.
        case green
        /// Configured, but not used yet.
        case yellow
        /// Failed.
        case red
    }

    /// What the platform or the user should do next.
    @nonexhaustive
    public enum NextStep: String, Sendable {
        /// Nothing.
        case none
        /// Send the user through the flow.
        case connect
        /// The provider ended the grant, the token expired and nothing can renew it, or a client of
        /// the connection's own is rejected: send the user through the flow again.
        case reconnect
        /// Wait: the vault tries again by itself.
        case wait
        /// Correct the application's id, secret or redirect URI, its scopes, or its provider's
        /// definition.
        case correctApplication
        /// Make room on the disk; a vault whose disk failed has to be opened anew.
        case makeRoom
        /// An answer to a refresh lies here unread. A newer version of this library may read it
        /// when it opens the vault; `retry` presents the refresh token that it was the answer to
        /// again, which some providers take for theft.
        case retry
        /// Look at the component that used the connection: the error is its own, and the vault
        /// knows no more than the number.
        case checkUse
    }

    /// The connection.
    public let connection: ConnectionID
    /// What the log of events calls it, and webhooks: 64 hexadecimal digits, the same for as long
    /// as the vault is there, also for the next connection with this id. Nobody learns the id from
    /// it.
    public let reference: String
    /// Its light.
    public let light: Light
    /// Why it is red, or why a refresh is being retried.
    public let reason: VaultEvent.Kind?
    /// The number of the event that `reason` is: the HTTP status that came with it; where no answer
    /// came curl's number, negative; of an answer that lies unread its length in bytes; of a use
    /// that failed the number that was reported. 0 where
    /// nothing is known.
    public let reasonNumber: Int
    /// What else is known of the reason: the provider's `error`, the rule that was broken.
    public let reasonDetail: FailureDetail
    /// What to do.
    public let nextStep: NextStep
    /// The application it was connected through.
    public let application: ApplicationID?
    /// What it has its access tokens by.
    public let grant: GrantType
    /// Whose tokens are asked for by it (`sub`), where somebody is named.
    public let subject: String?
    /// Whose account it is, where the provider's definition has that looked up.
    public let account: String?
    /// Whose it was before it was last connected, where another account came back then; nil where
    /// it is the same, or nobody knows. The next connect with the same account ends it.
    public let earlierAccount: String?
    /// When the access token expires, and who says so.
    public let accessTokenExpiry: UnixTime?
    /// Where the expiry was learnt from.
    public let expirySource: TokenSet.ExpirySource
    /// When the refresh token expires, where the provider says.
    public let refreshTokenExpiry: UnixTime?
    /// When the user has to connect again as far as anybody knows; nil where no end is in sight.
    /// What `endCause` says may put it off.
    public let diesAt: UnixTime?
    /// Why the connection ends then; nil where no end is in sight.
    public let endCause: EndCause?
    /// When the next refresh is due, while it is scheduled; now where it waits for its turn, or is
    /// under way.
    public let nextRefresh: UnixTime?
    /// Before when it is of no use to try again, where the provider asked for a pause when it last
    /// answered, and that is not over.
    public let retryTime: UnixTime?
    /// Since when the provider has owed an answer to a refresh, where it did not give it in time:
    /// nothing is sent until it comes, or is given up. Also where a process before this one was not
    /// answered, and it is too early to ask again.
    public let answerOutstandingSince: UnixTime?
    /// When the platform reported that the provider's API rejected the access token; nil where no
    /// report is of the present one.
    public let tokenRejected: UnixTime?
    /// When it was last refreshed, and how often it was.
    public let lastRefreshed: UnixTime?
    /// How often it was refreshed.
    public let refreshCount: UInt64
    /// When the platform last reported a use.
    public let lastUsed: UnixTime?
    /// What was asked for.
    public let requestedScope: String?
    /// What was granted; nil where the provider did not say.
    public let grantedScope: String?
    let scopeDifference: ScopeDifference
    /// The version, for compare-and-swap.
    public let generation: UInt64
}

extension Vault {
    /// How a connection is; nil where there is none.
    ///
    /// - Throws: `authenticationFailed`, `recordDamaged`.
    public func status(_ id: ConnectionID) throws(VaultError) -> ConnectionStatus? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        return try status(store.key(.connection, id.text))
    }

    /// The same of the record at `key`, which is opened once.
    func status(_ key: RecordKey) throws(VaultError) -> ConnectionStatus? {
        guard let opened = try store.open(key) else { return nil }
        let (handle, generation) = (opened.version.handle, opened.version.generation)
        let record = ConnectionRecord(fields: opened.takeFields())
        guard let id = record.id else { throw VaultError(.recordDamaged, .vault) }
        let end = refresher.end(record)
        let outstanding = refresher.outstandingSince(key, record)
        let failing =
            refresher.trouble(key, handle: handle, record)
            ?? refresher.trouble(of: record).flatMap { VaultEvent.Kind(code: $0.code) }
        let now = refresher.now(asOf: record.tokensSince ?? generation)
        var (light, reason, nextStep) = try judge(record, failing, now)
        if reason == nil, nextStep == .none, outstanding != nil {
            (reason, nextStep) = (.answerOutstanding, .wait)
        }
        let raw = reason.map { refresher.number(of: $0, key, record) } ?? 0
        var meaning = reason?.meaning(of: Int64(raw)) ?? (number: 0, detail: FailureDetail())
        // What the vault knows of itself comes first.
        let isUsable = record.state == .active || record.state == .configured
        if isUsable, light != .red, let failure = record.useFailure {
            light = .red
            let isRejection = record.rejected != nil
            // Why no other token came is more than that none did.
            if !isRejection || reason == nil {
                reason = VaultEvent.Kind(code: failure.code)
                meaning = (Int64(failure.status), FailureDetail())
            }
            if nextStep == .none {
                let renews = refresher.plan(record) != nil
                nextStep = isRejection ? renews ? .wait : .reconnect : .checkUse
            }
        }
        return ConnectionStatus(
            connection: id, reference: key.text, light: light, reason: reason,
            reasonNumber: Int(clamping: meaning.number), reasonDetail: meaning.detail,
            nextStep: nextStep,
            application: record.application, grant: record.grant,
            subject: record.subject, account: record.account,
            earlierAccount: record.account == nil ? nil : record.earlierAccount,
            accessTokenExpiry: record.accessTokenExpiry,
            expirySource: record.expirySource, refreshTokenExpiry: record.refreshTokenExpiry,
            diesAt: end?.time, endCause: end?.cause,
            nextRefresh: refresher.next(key, handle).map { max($0, time.now()) },
            retryTime: record.pauseEnd.flatMap { $0 > time.now() ? $0 : nil },
            answerOutstandingSince: outstanding,
            tokenRejected: record.state == .active ? record.rejected : nil,
            lastRefreshed: record.refreshed, refreshCount: record.refreshCount,
            lastUsed: record.used, requestedScope: record.requestedScope,
            grantedScope: record.grantedScope, scopeDifference: try scopeDifference(record),
            generation: generation)
    }

    private func judge(
        _ record: borrowing ConnectionRecord, _ failing: VaultEvent.Kind?, _ now: UnixTime
    ) throws(VaultError) -> (
        ConnectionStatus.Light, VaultEvent.Kind?, ConnectionStatus.NextStep
    ) {
        switch record.state {
        case .configured:
            return (.yellow, record.trouble.flatMap { VaultEvent.Kind(code: $0.code) }, .connect)
        case .disconnecting: return (.red, .disconnectStarted, .none)
        case .failed:
            return (.red, record.failure.flatMap { VaultEvent.Kind(code: $0.code) }, .reconnect)
        case .active: break
        }
        let working = record.used == nil ? ConnectionStatus.Light.yellow : .green
        let isLent = record.accessTokenExpiry.map { $0 > now } ?? true
        let isRemoved = try record.application.map { application throws(VaultError) in
            try store.version(store.key(.application, application.text)) == nil
        }
        switch failing {
        case _ where isRemoved ?? false:
            return (isLent ? working : .red, .applicationRemoved, .correctApplication)
        case .applicationRejected:
            return (.red, failing, record.hasOwnClient ? .reconnect : .correctApplication)
        case _ where refresher.isHeld(record):
            return (isLent ? working : .red, .replyUnread, .retry)
        // Whatever failed before.
        case _ where refresher.isOver(record, now): return (.red, nil, .reconnect)
        case _ where refresher.isRefused(record, now):
            return (
                .red, .refreshRefused,
                record.isOfDefinition || record.grant.asksAnew
                    ? .correctApplication : .reconnect
            )
        case .storageRefused: return (working, failing, .makeRoom)
        case .refreshRefused: return (working, failing, .correctApplication)
        case nil: return (working, nil, .none)
        default: return (working, failing, .wait)
        }
    }
}

extension ConnectionRecord {
    /// Whether the provider refused its last refresh.
    var isRefused: Bool { failure?.code == VaultEvent.Kind.refreshRefused.code }

    /// Whether what the application's definition says was refused, and not the grant.
    var isOfDefinition: Bool {
        guard isRefused, let failure, Refusal.Kind(record: refusal) != .grant else { return false }
        return FailureNumber(raw: Int64(failure.status)).isOfDefinition
    }
}

extension Refresher {
    /// When a connection that works comes to its end, by what its provider is known to do.
    func end(_ record: borrowing ConnectionRecord) -> (time: UnixTime, cause: EndCause)? {
        guard record.state == .active else { return nil }
        var known = RefreshPolicy.Limits()
        if let application = record.application {
            known = limits(queue(of: record, application), record)
        }
        let lifetime = RefreshPolicy.Lifetime(record, known, now: time.now())
        return RefreshPolicy.end(lifetime, known)
    }

    /// Whether nothing that is done can help a connection any more, by what its provider is known
    /// to do.
    static func isOver(
        _ record: borrowing ConnectionRecord, _ limits: RefreshPolicy.Limits, _ now: UnixTime
    ) -> Bool {
        let lifetime = RefreshPolicy.Lifetime(record, limits, now: now)
        return RefreshPolicy.end(lifetime, limits).map { $0.time <= now } ?? false
    }

    /// Whether a connection's token has expired and nothing can renew it. What the platform only
    /// stores it looks after itself.
    func isOver(_ record: borrowing ConnectionRecord, _ now: UnixTime) -> Bool {
        guard record.hasApplication, let end = end(record) else { return false }
        return end.cause == .notRenewable && end.time <= now
    }

    /// Whether a connection's token has expired and the provider refuses to renew it.
    func isRefused(_ record: borrowing ConnectionRecord, _ now: UnixTime) -> Bool {
        guard record.isRefused, let application = record.application else { return false }
        let limits = limits(queue(of: record, application), record)
        let expiry = RefreshPolicy.Lifetime.expiry(record, limits, now: now)
        return expiry.map { $0 <= now } ?? false
    }

    /// What came with the reason for which a connection is not well: what was heard last, or what
    /// its record keeps.
    func number(
        of reason: VaultEvent.Kind, _ key: RecordKey, _ record: borrowing ConnectionRecord
    ) -> Int {
        let told = shared.withLock { $0.upkeep.failures[key]?.told }
        if let told, told.code == reason.code { return Int(clamping: told.number) }
        for failure in [record.failure, record.trouble] {
            if let failure, failure.code == reason.code { return Int(failure.status) }
        }
        return 0
    }

    /// Why a connection's refreshing does not work at the moment, if it does not.
    func trouble(
        _ key: RecordKey, handle: Handle, _ record: borrowing ConnectionRecord
    ) -> VaultEvent.Kind? {
        let application = record.application
        let own =
            record.mayHaveOwnQueue ? application.map { queue(of: record, $0) } : nil
        return shared.withLock { shared in
            let isFailing = shared.upkeep.failureCount(key) > 0
            let isRefused = shared.upkeep.isRefused(key)
            guard let queue = own ?? application.flatMap({ shared.upkeep.queue($0) }) else {
                return isRefused ? .refreshRefused : isFailing ? .refreshDelayed : nil
            }
            if shared.upkeep.queues[queue].isRejected { return .applicationRejected }
            if shared.storage.isPresent { return .storageRefused }
            if shared.upkeep.attempts[key]?.stage == .overdue { return .answerOutstanding }
            if isRefused { return .refreshRefused }
            let isDelayed = isFailing || shared.upkeep.isHeldBack(handle, queue)
            return isDelayed ? .refreshDelayed : nil
        }
    }
}
