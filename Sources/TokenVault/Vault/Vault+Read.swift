// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Lends the access token of a connection, refreshed first where it has expired, or was
    /// reported rejected (`reportRejected`) and can be renewed.
    ///
    /// Where the stored token is fresh nothing is awaited: the token is read on the caller's thread
    /// and never waits for a write. Where it is not, 10,000 callers cause one request and share its
    /// result; a caller that is cancelled does not cancel it. It is wiped where its scope ends, and
    /// holds a block until then: see `LentToken`.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - minimumLifetime: how long the token must live at least; zero by default. Where the
    ///     provider's tokens live shorter that costs one refresh; from then on `notRefreshable` is
    ///     thrown at once, until the token at hand is due or one that lives longer has come. Its
    ///     `number` is then for how many seconds they live.
    ///   - awaitsLateAnswer: as `refresh`.
    /// - Throws: `notFound`, `notConnected`, `grantLost`, `notRefreshable`, `providerUnreachable`,
    ///   `certificateRefused`, `endpointRefused`, `providerBusy`, `answerLost`, `backingOff`,
    ///   `providerRefused`, `providerAnswerUnreadable`, `applicationMisconfigured`,
    ///   `disconnecting`, `cancelled`, `answerOutstanding`, `tooManySecrets`.
    public func accessToken(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) -> LentToken {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        let token = try await lend(id, minimumLifetime, awaitsLateAnswer)
        return LentToken(
            secret: token.secret.compacted(), connection: id, generation: token.generation,
            expiry: token.expiry, followsRejection: token.followsRejection)
    }

    /// Lends the access token to `body`, as `accessToken` does, and wipes it when that returns: do
    /// not keep its bytes.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - minimumLifetime: as `accessToken`.
    ///   - awaitsLateAnswer: as `refresh`.
    ///   - body: is lent the token, and called once or not at all; what it throws is thrown on.
    /// - Throws: as `accessToken`, and what `body` throws.
    public func withAccessToken<Result: ~Copyable>(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing LentToken) throws -> Result
    ) async throws -> Result {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        return try body(await lend(id, minimumLifetime, awaitsLateAnswer))
    }

    /// The same with a body that throws nothing.
    public func withAccessToken<Result: ~Copyable>(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing LentToken) -> Result
    ) async throws(VaultError) -> Result {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        return body(try await lend(id, minimumLifetime, awaitsLateAnswer))
    }

    /// The same with a body that awaits something: the token holds a block for as long.
    public func withAccessToken<Result: ~Copyable>(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing LentToken) async throws -> Result
    ) async throws -> Result {
        try checkProcess()
        let token = try await accessToken(
            id, minimumLifetime: minimumLifetime, awaitsLateAnswer: awaitsLateAnswer)
        return try await body(token)
    }

    /// The same with a body that awaits something and throws nothing.
    public func withAccessToken<Result: ~Copyable>(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing LentToken) async -> Result
    ) async throws(VaultError) -> Result {
        try checkProcess()
        let token = try await accessToken(
            id, minimumLifetime: minimumLifetime, awaitsLateAnswer: awaitsLateAnswer)
        return await body(token)
    }

    private func lend(
        _ id: ConnectionID, _ minimumLifetime: Duration, _ isPatient: Bool
    ) async throws(VaultError) -> LentToken {
        if !refresher.isVerified { try await readable() }
        let key = store.key(.connection, id.text)
        let minimum = Self.milliseconds(minimumLifetime)
        var asked: UInt64?
        var lifetime = 0
        var followsRejection = false
        for attempt in 0...Self.freshTokenAttemptsMax {
            let stale: Stale
            switch try current(id, key, minimum, followsRejection) {
            case .fresh(let token): return token
            case .stale(let found): stale = found
            }
            lifetime = stale.tokens.lifetime.seconds
            followsRejection = followsRejection || stale.isRejected
            guard attempt < Self.freshTokenAttemptsMax,
                refresher.mayMeet(minimum, key, stale.tokens, asked: asked, stale.plan.queue)
            else { break }
            try await verified()
            do throws(VaultError) {
                try await refresher.refresh(
                    key, handle: stale.handle, stale.plan, isPatient: isPatient)
                asked = stale.tokens.generation
            } catch {
                // Its application was replaced before its turn came: it asks again.
                if error.code != .generationChanged { throw error.concerning(id) }
            }
        }
        // The provider hands out tokens that live shorter than the caller wants.
        throw VaultError(.notRefreshable, .vault, number: lifetime, .minimumTooLong)
            .concerning(id)
    }

    /// How many refreshes one caller asks for before it gives up; more than one only where another
    /// writer came between.
    static let freshTokenAttemptsMax = 2

    private enum Current: ~Copyable {
        case fresh(LentToken)
        case stale(Stale)
    }

    private struct Stale {
        let handle: Handle
        let plan: Plan
        let tokens: PresentTokens
        let isRejected: Bool
    }

    private func current(
        _ id: ConnectionID, _ key: RecordKey, _ minimum: Int64, _ followsRejection: Bool
    ) throws(VaultError) -> Current {
        do throws(VaultError) {
            guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
            let (handle, generation) = (opened.version.handle, opened.version.generation)
            let record = ConnectionRecord(fields: opened.takeFields())
            if let ending = record.ending(.vault) { throw ending }
            let tokensSince = record.tokensSince ?? generation
            // One that nothing can renew is all that there is, and the report may have been wrong.
            if record.rejected == nil || refresher.plan(record) == nil,
                RefreshPolicy.isFresh(
                    issued: record.issued, arrived: record.refreshed,
                    expiry: record.accessTokenExpiry, now: refresher.now(asOf: tokensSince),
                    minimumMilliseconds: minimum)
            {
                let expiry = record.accessTokenExpiry
                guard let token = record.fields.takeSecret(ConnectionTag.accessToken) else {
                    throw VaultError(.notConnected, .vault)
                }
                return .fresh(
                    LentToken(
                        secret: token, connection: id, generation: tokensSince, expiry: expiry,
                        followsRejection: followsRejection))
            }
            guard let plan = refresher.plan(record) else {
                throw refresher.refusal(record)
            }
            let lifetime = refresher.lifetime(record, plan.queue)
            let defined = try record.application.flatMap { application throws(VaultError) in
                try store.version(store.key(.application, application.text))?.generation
            }
            let isOfRefresh = lifetime.isRefreshed && defined.map { $0 < tokensSince } ?? false
            let tokens = PresentTokens(
                generation: tokensSince, lifetime: lifetime,
                refreshed: isOfRefresh ? record.refreshed : nil)
            return .stale(
                Stale(
                    handle: handle, plan: plan, tokens: tokens, isRejected: record.rejected != nil))
        } catch {
            throw error.concerning(id)
        }
    }

    static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, min(seconds, 1 << 40)) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
