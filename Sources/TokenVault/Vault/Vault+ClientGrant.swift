// SPDX-License-Identifier: Apache-2.0

// Connections that nobody connects: the client asks for their tokens by itself.
extension Vault {
    /// Connects without anybody's browser: one request to the token endpoint, whose token is
    /// durable when this returns. From then on the next token is asked for before it expires, by
    /// the same schedule and within the same limits as a refresh. A connection that has tokens
    /// keeps them until the new ones are there, whatever it has them by; a connection changes from
    /// one grant to another by being connected again.
    ///
    /// There is no refresh token; one that the provider sends all the same (RFC 6749 section 4.4.3
    /// says that it should not) is neither used nor kept.
    ///
    /// - Parameters:
    ///   - id: the connection's; what it is known by from then on.
    ///   - applicationID: the one that authenticates, or signs. It needs no redirect URI, nor its
    ///     provider an authorization endpoint.
    ///   - grant: what is asked by.
    ///   - scopes: instead of the application's default scopes; the provider's `refreshScopes` are
    ///     not asked for.
    ///   - settings: what is this connection's own: values of the provider's variables, a client.
    ///     They hold once it is connected; what is left out stays as it is.
    /// - Throws: as the other `connect`, `missing` values among it; `invalidArgument` where the
    ///   subject is no such text, or the application has no key to sign with; `providerRefused`,
    ///   `applicationMisconfigured`, `providerUnreachable`, `certificateRefused`, `providerBusy`,
    ///   `answerLost`, `providerAnswerUnreadable`, `closed` where the vault is drained;
    ///   `tooManySecrets` where there is no room: then nothing was sent.
    public func connect(
        _ id: ConnectionID, application applicationID: ApplicationID, grant: ClientGrant,
        scopes: [String]? = nil, settings: borrowing ConnectionSettings = ConnectionSettings()
    ) async throws(VaultError) {
        try checkProcess()
        try grant.check()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try refresher.mustSend()
        let key = store.key(.connection, id.text)
        let stored = try store.application(applicationID)
        let own = try own(settings, key, stored)
        let application = try stored.filled(for: own)
        let provider = application.provider
        try network.addressGuard.check(provider.tokenEndpoint, .tokenEndpoint)
        let wanted = scopes ?? application.scopes
        try Application.check(scopes: wanted)
        let target = NewGrant(
            connection: id, application: applicationID,
            requestedScope: wanted.isEmpty
                ? nil : wanted.joined(separator: provider.scopeSeparator),
            grant.type, subject: grant.subject, own)
        let answer = Answer()
        let request = try request(grant, target, application) { answer.give($0) }
        let room = try await exchangeRoom()
        try await configure(
            id, key, applicationID, time.now(), grant: grant.type, subject: grant.subject)
        let life = try store.version(key)?.life
        do throws(VaultError) {
            let probe = refresher.beginProbe(applicationID, own, grant.type)
            let requestedAt = time.now()
            network.endpoint.send(request)
            let granted = try granted(await answer.wait(), application, requestedAt, nil)
            refresher.accept(probe, id)
            let found = try await take(granted, application, own, [:], target, life, room)
            await lookUp(with: granted, application, id, known: found)
        } catch {
            let error = error.about(grant.type).concerning(id)
            await recordFailure(of: target, error)
            throw error
        }
    }
}

extension Vault {
    private func request(
        _ grant: ClientGrant, _ target: NewGrant, _ application: borrowing Application,
        _ completion: @escaping TokenEndpoint.Completion
    ) throws(VaultError) -> TransportRequest {
        let credentials = try ClientCredentials(application, for: .exchange, clock: time)
        let (endpoint, scope) = (network.endpoint, target.requestedScope)
        return switch grant {
        case .clientCredentials:
            try endpoint.clientCredentials(
                scope: scope, for: application, by: credentials, isFirst: true,
                completion: completion)
        case .jwtBearer(let subject):
            try endpoint.jwtBearer(
                subject: subject, scope: scope, for: application, by: credentials, isFirst: true,
                completion: completion)
        }
    }
}

extension VaultError {
    /// The same, where the provider's answer is the reason, with what was asked of it.
    fileprivate func about(_ grant: GrantType) -> VaultError {
        let codes: [Code] = [
            .providerRefused, .applicationMisconfigured, .answerLost, .deadlineExceeded,
        ]
        guard codes.contains(code), detail.subject == nil else { return self }
        var detail = detail
        detail.subject = grant.subject
        return VaultError(
            code, stage, connection: connection, number: number, detail: detail,
            retryTime: retryTime)
    }
}
