// SPDX-License-Identifier: Apache-2.0

/// Asks a provider to revoke both tokens of a pair: some servers leave one valid when the other
/// is revoked. Best effort, bounded.
///
/// A definition may say that only one is presented, and how.
///
/// One after the other, the refresh token first: to the server they are one grant, and one that is
/// asked for both at once may answer 500 to either (django-oauth-toolkit on SQLite does).
struct Revocation {
    /// What came of it, for each token.
    struct Outcomes: Sendable {
        var refreshToken = DisconnectReceipt.Revocation.notNeeded
        var accessToken = DisconnectReceipt.Revocation.notNeeded
        /// Whether another attempt may do better, and for how many seconds the provider wants to be
        /// left alone before.
        var isWorthRetrying = false
        var retryAfterSeconds: Int64?
        /// What the record says of what was to be revoked.
        var held = Held()

        /// Of a provider that has no revocation endpoint.
        static let unsupported = Outcomes(refreshToken: .unsupported, accessToken: .unsupported)

        /// Nothing could be sent.
        static func unsent(_ error: VaultError) -> Outcomes {
            let failed = DisconnectReceipt.Revocation(
                error.code == .applicationNotFound
                    ? FailureNumber(
                        status: 0, FailureDetail(cause: .missing, subject: .applicationID))
                    : FailureNumber(raw: error.eventNumber))
            return Outcomes(
                refreshToken: failed, accessToken: failed, isWorthRetrying: error.isPassing)
        }

        /// Whether the provider ended all that it was asked to end.
        var isComplete: Bool { refreshToken.isOver && accessToken.isOver }

        /// Says which tokens of an unread answer there were none of, and which could not be read.
        mutating func note(_ names: UnreadReply.Names) {
            let unreadable = DisconnectReceipt.Revocation(
                FailureNumber(status: 0, FailureDetail(cause: .tokenUnreadable)))
            if !names.hasRefreshToken { refreshToken = .notNeeded }
            if !names.hasAccessToken { accessToken = .notNeeded }
            if names.leavesRefreshToken { refreshToken = unreadable }
            if names.leavesAccessToken { accessToken = unreadable }
        }

        /// Both as one, with those of newer tokens: a token is over where both are. When the newer
        /// ones expire nobody knows.
        func joined(with newer: Outcomes) -> Outcomes {
            var joined = self
            if refreshToken == .notNeeded || !newer.refreshToken.isOver {
                joined.refreshToken = newer.refreshToken
            }
            if accessToken == .notNeeded || !newer.accessToken.isOver {
                joined.accessToken = newer.accessToken
            }
            if !newer.refreshToken.isOver { joined.held.refreshTokenExpiry = nil }
            if !newer.accessToken.isOver { joined.held.accessTokenExpiry = nil }
            joined.isWorthRetrying = isWorthRetrying || newer.isWorthRetrying
            joined.retryAfterSeconds =
                max(retryAfterSeconds ?? 0, newer.retryAfterSeconds ?? 0)
            if joined.retryAfterSeconds == 0 { joined.retryAfterSeconds = nil }
            return joined
        }

        /// Says what became of a token that was not presented: it ended with the other, or nobody
        /// ended it.
        fileprivate mutating func complete(
            _ way: Provider.RevocationRequest, hasAccessToken: Bool, hasRefreshToken: Bool
        ) {
            if hasAccessToken,
                !way.presentsAccessToken(besideRefreshToken: hasRefreshToken)
            {
                accessToken = way.endsGrant && hasRefreshToken ? refreshToken : .unsupported
            }
            if hasRefreshToken, !way.presentsRefreshToken {
                refreshToken = way.endsGrant && hasAccessToken ? accessToken : .unsupported
            }
        }

        fileprivate mutating func judge(
            _ verdict: RevocationVerdict
        ) -> DisconnectReceipt.Revocation {
            if case .failed(_, true, let seconds) = verdict {
                isWorthRetrying = true
                if let seconds { retryAfterSeconds = max(seconds, retryAfterSeconds ?? 0) }
            }
            return .init(verdict)
        }

        /// Takes over what an earlier attempt achieved.
        mutating func keep(_ earlier: Outcomes) {
            if earlier.refreshToken == .revoked { refreshToken = .revoked }
            if earlier.accessToken == .revoked { accessToken = .revoked }
        }
    }

    /// What a connection had when it was disconnected.
    struct Held: Sendable {
        var hasRefreshToken = false
        var accessTokenExpiry: UnixTime?
        var refreshTokenExpiry: UnixTime?
        /// How many grants may live on beside the one that was asked to end.
        var earlierGrants = 0

        init() {}

        init(_ record: borrowing ConnectionRecord) {
            hasRefreshToken = record.hasRefreshToken
            accessTokenExpiry = record.accessTokenExpiry
            refreshTokenExpiry = record.refreshTokenExpiry
            earlierGrants = Int(record.earlierGrants)
        }
    }

    private let network: Network

    init(_ network: Network) { self.network = network }

    /// - Parameters:
    ///   - captured: what is kept with the tokens, by name; the definition's templates may name it.
    ///   - completion: runs once, when all is answered, on the transport's thread; or at once where
    ///     the provider has no revocation endpoint. Where this throws, nothing was sent.
    func send(
        _ application: borrowing Application, _ tokens: borrowing TokenSet,
        captured: [String: String] = [:], _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        try send(
            application, tokens.accessToken.bytes, tokens.refreshToken, captured, completion)
    }

    /// The same of tokens where they arrived.
    func send(
        _ application: borrowing Application, _ reply: borrowing TokenReply,
        _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        try send(
            application, reply.accessTokenBytes, reply.refreshTokenBytes, captured: [:],
            completion)
    }

    /// The same of those that can be read of an answer nobody could use.
    func send(
        _ application: borrowing Application, _ tokens: borrowing UnreadReply.Tokens,
        captured: [String: String] = [:], _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        switch tokens.accessToken {
        case .none: try send(application, nil, tokens.refreshToken, captured, completion)
        case .some(let token):
            try send(application, token.bytes, tokens.refreshToken, captured, completion)
        }
    }

    private func send(
        _ application: borrowing Application, _ accessToken: RawSpan?,
        _ refreshToken: borrowing Secret?, _ captured: [String: String],
        _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        switch refreshToken {
        case .none:
            try send(
                application, accessToken, nil as RawSpan?, captured: captured, completion)
        case .some(let token):
            try send(application, accessToken, token.bytes, captured: captured, completion)
        }
    }

    /// Asks, and waits for what comes of it. All has failed where nothing could be sent.
    func outcomes(
        _ send: (@escaping @Sendable (Outcomes) -> Void) throws(VaultError) -> Void
    ) async -> Outcomes {
        let outcomes = Monitor(Outcomes())
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            // The tokens were opened on this thread, and the task goes on with another.
            defer { MemoryHygiene.scrub() }
            do throws(VaultError) {
                try send { result in
                    outcomes.withLock { $0 = result }
                    unsafe continuation.resume()
                }
            } catch {
                outcomes.withLock { $0 = .unsent(error) }
                unsafe continuation.resume()
            }
        }
        return outcomes.withLock { $0 }
    }

    private func send(
        _ application: borrowing Application, _ accessToken: RawSpan?, _ refreshToken: RawSpan?,
        captured: [String: String], _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        let provider = application.provider
        guard let template = provider.revocationEndpoint else { return completion(.unsupported) }
        let way = provider.revocation ?? Provider.RevocationRequest()
        var values = captured.merging(provider.allValues(application.values)) { $1 }
        values["client_id"] = application.clientID
        let url = try TokenRequest.revocationURL(template, provider, values)
        try network.addressGuard.check(url, .revocationEndpoint)
        let endpoint = network.revocationEndpoint
        let outcomes = Monitor(Outcomes())
        let (hasAccessToken, hasRefreshToken) = (accessToken != nil, refreshToken != nil)
        let end: @Sendable () -> Void = {
            completion(
                outcomes.withLock { outcomes in
                    outcomes.complete(
                        way, hasAccessToken: hasAccessToken, hasRefreshToken: hasRefreshToken)
                    return outcomes
                })
        }
        var last: TransportRequest?
        if way.presentsAccessToken(besideRefreshToken: hasRefreshToken), let accessToken {
            last = try endpoint.revocation(
                of: accessToken, .accessToken, for: application, values: values
            ) { verdict in
                outcomes.withLock { $0.accessToken = $0.judge(verdict) }
                end()
            }
        }
        guard way.presentsRefreshToken, let refreshToken else {
            if let last { endpoint.send(last) } else { end() }
            return
        }
        try endpoint.revoke(refreshToken, .refreshToken, for: application, values: values) {
            [last] verdict in
            outcomes.withLock { $0.refreshToken = $0.judge(verdict) }
            if let last { endpoint.send(last) } else { end() }
        }
    }
}

extension Provider.RevocationRequest {
    /// Whether the refresh token is presented, where there is one.
    fileprivate var presentsRefreshToken: Bool { tokens != .access }

    /// Whether the access token is.
    fileprivate func presentsAccessToken(besideRefreshToken: Bool) -> Bool {
        switch tokens {
        case .both, .access: true
        case .refresh: false
        case .refreshOrAccess: !besideRefreshToken
        }
    }
}

extension DisconnectReceipt.Revocation {
    /// Whether there is no such token any more.
    var isOver: Bool { self == .revoked || self == .notNeeded }

    fileprivate init(_ number: FailureNumber) {
        self = .failed(number: Int(number.number), detail: number.detail)
    }

    init(_ verdict: RevocationVerdict) {
        switch verdict {
        case .revoked, .alreadyGone: self = .revoked
        case .unsupported: self = .unsupported
        case .failed(let number, _, _): self = Self(number)
        }
    }
}
