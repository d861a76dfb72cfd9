// SPDX-License-Identifier: Apache-2.0

/// Asks a provider's token and revocation endpoints, each request through the transport once.
///
/// Completions run later, exactly once, on a thread of the transport's. What is returned is the
/// request on its way, for `cancelIfUnsent`. Where a function throws, nothing was sent and its
/// completion never runs; see `TokenRequest` for what it throws.
package struct TokenEndpoint: Sendable {
    private let transport: any Transport
    let deadlineMilliseconds: Int
    let clock: any TimeSource

    package typealias Completion = @Sendable (consuming Verdict) -> Void
    package typealias RevocationCompletion = @Sendable (RevocationVerdict) -> Void

    /// An endpoint that is reached through `transport`; the deadline is for each request. The clock
    /// dates what clients sign.
    package init(
        transport: any Transport,
        deadlineMilliseconds: Int = TransportRequest.deadlineMillisecondsDefault,
        clock: any TimeSource = SystemTime()
    ) {
        self.transport = transport
        self.clock = clock
        self.deadlineMilliseconds = deadlineMilliseconds
    }

    /// The request that exchanges an authorization code for tokens, for `send`.
    ///
    /// - Parameters:
    ///   - listenMilliseconds: how long its answer is listened for, beyond the deadline too; 0
    ///     where that is the end.
    ///   - overdue: as of `refresh`.
    package func exchange(
        code: borrowing Secret, codeVerifier: borrowing Secret?,
        for application: borrowing Application, listenMilliseconds: Int = 0,
        overdue: TransportRequest.Overdue? = nil, completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.exchange(
            code: code, codeVerifier: codeVerifier, for: application, clock: clock)
        let types = BearerTypes.connect(application.provider)
        let rules = ReplyRules(application.provider, readsSecond: true)
        return try make(
            request, to: application.provider.tokenEndpoint, isReserved: true, rules: rules,
            listenMilliseconds: listenMilliseconds, overdue: overdue
        ) { reply in completion(Verdict(reply, types: types, rules: rules)) }
    }

    /// The request that refreshes, for `send`; the token is what the provider's `refreshGrant`
    /// wants to see. The credentials are made once for all requests of an application that leave
    /// together.
    ///
    /// - Parameters:
    ///   - listenMilliseconds: for how long the answer is listened for; where that is not beyond
    ///     the deadline, the deadline is the end.
    ///   - overdue: runs where the deadline has passed and the answer is listened for, on a thread
    ///     of the transport's, before the completion.
    package func refresh(
        _ token: RawSpan, for application: borrowing Application,
        by credentials: ClientCredentials, listenMilliseconds: Int = 0,
        overdue: TransportRequest.Overdue? = nil,
        completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.refresh(token, by: credentials)
        let (lost, likelyLost) = (credentials.grantLostErrors, credentials.grantLostAnswers)
        let (types, rules) = (credentials.bearerTypes, credentials.rules)
        return try make(
            request, to: application.provider.refreshURL, rules: rules,
            listenMilliseconds: listenMilliseconds, overdue: overdue
        ) { reply in
            completion(
                Verdict(reply, lost: lost, likelyLost: likelyLost, types: types, rules: rules))
        }
    }

    /// The request that revokes a token, for `send`; nil where the provider has no revocation
    /// endpoint.
    ///
    /// - Parameter values: as of `TokenRequest.revocation`.
    package func revocation(
        of token: RawSpan, _ hint: TokenRequest.Hint, for application: borrowing Application,
        values: [String: String] = [:], completion: @escaping RevocationCompletion
    ) throws(VaultError) -> TransportRequest? {
        let provider = application.provider
        guard let endpoint = provider.revocationEndpoint else { return nil }
        let url = try TokenRequest.revocationURL(endpoint, provider, values)
        let request = try TokenRequest.revocation(
            of: token, hint, for: application, values: values, clock: clock)
        return try make(request, to: url, isReserved: true) { [way = provider.revocation] reply in
            completion(RevocationVerdict(reply, way))
        }
    }

    /// Revokes a token. Where the provider has no revocation endpoint, the completion runs at once
    /// with `unsupported`, and nil is returned.
    @discardableResult
    package func revoke(
        _ token: RawSpan, _ hint: TokenRequest.Hint, for application: borrowing Application,
        values: [String: String] = [:], completion: @escaping RevocationCompletion
    ) throws(VaultError) -> TransportRequest? {
        let request = try revocation(
            of: token, hint, for: application, values: values, completion: completion)
        if let request { send(request) } else { completion(.unsupported) }
        return request
    }

    /// The request that looks something up, for `send`; see `Provider.Lookup`.
    ///
    /// - Parameter url: what its template came to.
    package func lookup(
        _ lookup: Provider.Lookup, at url: String, with token: RawSpan,
        for application: borrowing Application, values: [String: String],
        completion: @escaping @Sendable (LookupFinding?) -> Void
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.lookup(
            lookup, with: token, for: application, values: values)
        return try make(request, to: url, isReserved: true) { reply in
            completion(LookupFinding(reply, lookup))
        }
    }

    /// Sends a request that was made here; once.
    package func send(_ request: TransportRequest) { transport.send(request) }

    func make(
        _ request: consuming TokenRequest, to url: String, isReserved: Bool = false,
        rules: ReplyRules? = nil, listenMilliseconds: Int = 0,
        overdue: TransportRequest.Overdue? = nil,
        answer: @escaping TransportRequest.Answer
    ) throws(VaultError) -> TransportRequest {
        try TokenRequest.check(url.utf8.count, 1...Provider.endpointBytesMax)
        let (credentials, head) = (request.credentials, request.head)
        let assertions = request.assertions
        return TransportRequest(
            url: url, credentials: credentials, body: request.body, head: head,
            assertions: assertions, deadlineMilliseconds: deadlineMilliseconds,
            listenMilliseconds: listenMilliseconds, isReserved: isReserved, rules: rules,
            overdue: overdue, completion: answer)
    }
}
