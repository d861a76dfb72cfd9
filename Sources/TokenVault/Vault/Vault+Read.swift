// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Lends the access token of a connection to `body`, refreshed first where it has expired, or
    /// was reported rejected (`reportRejected`) and can be renewed.
    ///
    /// Where the stored token is fresh nothing is awaited: the token is read on the caller's thread
    /// and never waits for a write. Where it is not, 10,000 callers cause one request and share its
    /// result; a caller that is cancelled does not cancel it. The token is wiped when `body`
    /// returns: do not keep its bytes.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - minimumLifetime: how long the token must live at least; zero by default. Where the
    ///     provider's tokens live shorter that costs one refresh; from then on `notRefreshable` is
    ///     thrown at once, until the token at hand is due or one that lives longer has come. Its
    ///     `number` is then for how many seconds they live.
    ///   - awaitsLateAnswer: as `refresh`.
    ///   - body: is lent the token, and called once or not at all; what it throws is thrown on.
    /// - Throws: `notFound`, `notConnected`, `grantLost`, `notRefreshable`, `providerUnreachable`,
    ///   `certificateRefused`, `endpointRefused`, `providerBusy`, `answerLost`, `backingOff`,
    ///   `providerRefused`, `providerAnswerUnreadable`, `applicationMisconfigured`,
    ///   `disconnecting`, `cancelled`, `answerOutstanding`.
    public func withAccessToken<Result>(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing Secret) throws -> Result
    ) async throws -> Result {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        if !refresher.isVerified { try await readable() }
        let token = try await freshToken(id, minimumLifetime, awaitsLateAnswer)
        let result = try body(token)
        token.destroy()
        return result
    }

    private func freshToken(
        _ id: ConnectionID, _ minimumLifetime: Duration, _ isPatient: Bool
    ) async throws(VaultError) -> Secret {
        let key = store.key(.connection, id.text)
        let minimum = Self.milliseconds(minimumLifetime)
        var asked: UInt64?
        var lifetime = 0
        for attempt in 0...Self.freshTokenAttemptsMax {
            let stale: Stale
            switch try current(id, key, minimum) {
            case .fresh(let token): return token
            case .stale(let found): stale = found
            }
            lifetime = stale.tokens.lifetime.seconds
            guard attempt < Self.freshTokenAttemptsMax,
                refresher.mayMeet(minimum, key, stale.tokens, asked: asked, stale.plan.lane)
            else { break }
            try await verified()
            do throws(VaultError) {
                try await refresher.refresh(
                    key, slot: stale.slot, stale.plan, isPatient: isPatient)
                asked = stale.tokens.generation
            } catch {
                // Its application was replaced while it boarded: it asks again.
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
        case fresh(Secret)
        case stale(Stale)
    }

    private struct Stale {
        let slot: UInt32
        let plan: Plan
        let tokens: PresentTokens
    }

    private func current(
        _ id: ConnectionID, _ key: RecordKey, _ minimum: Int64
    ) throws(VaultError) -> Current {
        do throws(VaultError) {
            guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
            let (slot, generation) = (opened.header.slot, opened.header.generation)
            let record = ConnectionRecord(fields: opened.takeFields())
            if let refusal = record.state.refusal {
                let failure = FailureNumber(raw: Int64(record.failure?.status ?? 0))
                throw VaultError(
                    refusal, .vault, number: Int(failure.number), detail: failure.detail)
            }
            let tokensSince = record.tokensSince ?? generation
            // One that nothing can renew is all that there is, and the report may have been wrong.
            if record.rejected == nil || refresher.plan(record) == nil,
                RefreshPolicy.isFresh(
                    issued: record.issued, arrived: record.refreshed,
                    expiry: record.accessTokenExpiry, now: refresher.now(asOf: tokensSince),
                    minimumMilliseconds: minimum)
            {
                guard let token = record.fields.takeSecret(ConnectionTag.accessToken) else {
                    throw VaultError(.notConnected, .vault)
                }
                return .fresh(token)
            }
            guard let plan = refresher.plan(record) else {
                throw refresher.refusal(record)
            }
            let lifetime = refresher.lifetime(record, plan.lane)
            let defined = try record.application.flatMap { application throws(VaultError) in
                try store.generation(store.key(.application, application.text))
            }
            let isOfRefresh = lifetime.isRefreshed && defined.map { $0 < tokensSince } ?? false
            let tokens = PresentTokens(
                generation: tokensSince, lifetime: lifetime,
                refreshed: isOfRefresh ? record.refreshed : nil)
            return .stale(Stale(slot: slot, plan: plan, tokens: tokens))
        } catch {
            throw error.concerning(id)
        }
    }

    static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, min(seconds, 1 << 40)) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
