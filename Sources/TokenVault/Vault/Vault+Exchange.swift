// SPDX-License-Identifier: Apache-2.0

// The exchange of a code. Whatever there may be no room for is taken before the flow is, which is
// one-time: then the same callback works later.
extension Vault {
    /// What a callback leads to.
    enum Prepared: ~Copyable {
        /// A request that is made, and not sent.
        case exchange(CodeExchange)
        /// The end of the flow.
        case refused(VaultError)
    }

    struct CodeExchange: ~Copyable {
        let application: Application
        let request: TransportRequest
        let answer: Answer
        let probe: Refresher.Probe
        /// What is the connection's own, with what the callback says of it.
        let own: OwnSettings?
        /// What the callback brought to be kept.
        let captured: [String: String]
        /// Where its late answer is listened for: its place.
        let place: ExchangeListeners.Place?
    }

    /// How often, and how many milliseconds apart, room is looked for.
    private static let roomAttemptsMax = 10
    private static let roomMilliseconds: Int64 = 100

    /// - Throws: `tooManySecrets` where there is none within a second.
    func exchangeRoom() async throws(VaultError) -> ExchangeRoom {
        for attempt in 1...Self.roomAttemptsMax {
            if let room = ExchangeRoom() { return room }
            guard attempt < Self.roomAttemptsMax,
                await refresher.pause(milliseconds: Self.roomMilliseconds)
            else { break }
        }
        throw VaultError(.tooManySecrets, .vault)
    }

    /// - Throws: where it cannot be told at this moment: the flow is still open then.
    func prepare(
        _ flow: borrowing PendingAuthorization, _ callback: borrowing Callback, _ query: RawSpan
    ) throws(VaultError) -> Prepared {
        do throws(VaultError) {
            return .exchange(try make(flow, callback, query))
        } catch {
            // Whoever sent a callback that is not signed must not end the flow of who did not.
            if error.isPassing || error.code == .callbackRejected { throw error }
            return .refused(error)
        }
    }

    /// The callback of a flow, checked: the application as the connection sees it, and what the
    /// callback says beside the code.
    struct CheckedCallback: ~Copyable {
        let application: Application
        let own: OwnSettings?
        let captured: [String: String]
    }

    /// Checks that the flow has not expired, and signature and issuer of its callback.
    func checked(
        _ flow: borrowing PendingAuthorization, _ callback: borrowing Callback, _ query: RawSpan
    ) throws(VaultError) -> CheckedCallback {
        guard time.now() < flow.expires else { throw VaultError(.flowExpired, .vault) }
        let stored = try store.application(flow.application)
        let values = try Callback.values(for: stored.provider, in: query)
        let own =
            values.variables.isEmpty
            ? flow.own : try OwnSettings.adding(values.variables, to: flow.own)
        let application = try filled(stored, own, awaitsCallback: callback.code == nil)
        try Callback.checkSignature(of: query, application)
        if let issuer = application.provider.issuer, !URLTemplate.isTemplate(issuer) {
            // Some servers, django-oauth-toolkit 3.4 for one, leave `iss` out of an error. It ends
            // the flow whoever sent it, so the user is told of the denial.
            let mayBeMissing = !application.provider.sendsIssuer || callback.code == nil
            guard callback.issuer == issuer || callback.issuer == nil && mayBeMissing else {
                throw VaultError(
                    .issuerMismatch, .vault,
                    callback.issuer == nil ? .issuerMissing : .issuerOther)
            }
        }
        return CheckedCallback(application: application, own: own, captured: values.captured)
    }

    private func make(
        _ flow: borrowing PendingAuthorization, _ callback: borrowing Callback, _ query: RawSpan
    ) throws(VaultError) -> CodeExchange {
        let checked = try checked(flow, callback, query)
        let (own, captured) = (checked.own, checked.captured)
        let application = checked.application
        let answer = Answer()
        guard callback.code != nil else { throw callback.refusal }
        try network.addressGuard.check(application.provider.tokenEndpoint, .tokenEndpoint)
        let verifier = application.provider.usesPKCE ? try flow.copiedCodeVerifier() : nil
        switch callback.code {
        case .none: throw callback.refusal
        case .some(let code):
            let probe = refresher.beginProbe(application.id, own)
            let place =
                application.provider.revocationEndpoint == nil ? nil : exchangeListeners.take()
            let request = try makeRequest(
                application, own, code, verifier, answer, place,
                late: { [refresher, id = flow.connection] isProof in
                    refresher.noteLate(probe, id, isProof: isProof)
                })
            return CodeExchange(
                application: application, request: request, answer: answer, probe: probe,
                own: own, captured: captured, place: place)
        }
    }

    /// What is missing or refused of the connection's values came with the callback, or did not.
    private func filled(
        _ application: consuming Application, _ own: OwnSettings?, awaitsCallback: Bool
    ) throws(VaultError) -> Application {
        do throws(VaultError) {
            return try application.filled(for: own, awaitsCallback: awaitsCallback)
        } catch {
            guard let cause = error.detail.cause, error.detail.subject == .variable else {
                throw error
            }
            throw VaultError(.callbackRejected, .vault, cause, .variable)
        }
    }

    /// Whoever waits is let go at the deadline. What comes later is a grant that nobody knows of:
    /// it is listened for where it can be revoked.
    ///
    /// - Parameter late: called where tokens come later, and with whether they can be used: then
    ///   they show as well that the provider takes the application.
    private func makeRequest(
        _ application: borrowing Application, _ own: OwnSettings?, _ code: borrowing Secret,
        _ verifier: borrowing Secret?, _ answer: Answer, _ place: ExchangeListeners.Place?,
        late: @escaping @Sendable (Bool) -> Void
    ) throws(VaultError) -> TransportRequest {
        guard let place else {
            return try network.endpoint.exchange(
                code: code, codeVerifier: verifier, for: application
            ) { verdict in answer.give(verdict) }
        }
        let id = application.id
        return try network.endpoint.exchange(
            code: code, codeVerifier: verifier, for: application,
            listenMilliseconds: ExchangeListeners.milliseconds,
            overdue: {
                place.setOverdue()
                answer.give(.transient(.unanswered(.deadlineExceeded), retryAfterSeconds: nil))
            },
            completion: { [network, store] verdict in
                guard place.isOverdue else { return answer.give(verdict) }
                if verdict.holdsTokens { late(verdict.bringsTokens) }
                Self.revoke(verdict, id, own, network, store, place)
            })
    }

    /// Sends what was prepared, and stores what comes.
    func finish(
        _ prepared: consuming Prepared, _ flow: borrowing PendingAuthorization, _ life: UInt64?,
        _ room: ExchangeRoom
    ) async throws(VaultError) {
        switch consume prepared {
        case .refused(let error): throw error
        case .exchange(let exchange):
            let place = exchange.place
            let (own, captured) = (exchange.own, exchange.captured)
            let application = exchange.application
            // A close waits until what came is stored, or revoked.
            defer { withExtendedLifetime(place) {} }
            let requestedAt = time.now()
            network.endpoint.send(exchange.request)
            let granted = try granted(
                await exchange.answer.wait(), application, requestedAt, place)
            refresher.accept(exchange.probe, flow.connection)
            do throws(VaultError) {
                try await store(granted, own, captured, NewGrant(flow), life, room)
            } catch {
                Self.revoke(granted.reply, application, network, place)
                throw error
            }
            await storeSecond(of: granted, application, own, captured, flow, room)
            await lookUp(with: granted, application, flow.connection)
        }
    }

    func granted(
        _ verdict: consuming Verdict, _ application: borrowing Application,
        _ requestedAt: UnixTime, _ place: ExchangeListeners.Place?
    ) throws(VaultError) -> GrantedTokens {
        switch consume verdict {
        case .tokens(let reply):
            return GrantedTokens(reply, application, requestedAt: requestedAt)
        case .unsent:
            let isClosing = refresher.shared.withLock { $0.sendsNothing }
            throw VaultError(isClosing ? .closed : .tooManySecrets, .vault)
        case .transient(let delay, let seconds):
            let retryTime = RefreshPolicy.pauseEnd(seconds, time.now())
            throw VaultError(delay, .vault, retryTime: retryTime)
        case .applicationMisconfigured(let status, let error):
            throw VaultError(
                .applicationMisconfigured, .vault, number: status,
                detail: FailureDetail(error: error))
        case .grantLost(let status):
            throw VaultError(
                .providerRefused, .vault, number: status,
                detail: FailureDetail(error: .invalidGrant))
        case .grantLikelyLost(let status):
            throw VaultError(.providerRefused, .vault, number: status)
        // Refused by the address guard: nothing was sent.
        case .notAllowed(let cause):
            throw VaultError(.endpointRefused, .vault, cause, .tokenEndpoint)
        case .refused(let status, let error):
            throw VaultError(
                .providerRefused, .vault, number: status, detail: FailureDetail(error: error))
        case .unread(let status, let body, let cause):
            Self.revoke(body, application, network, place)
            throw VaultError(
                .providerAnswerUnreadable, .vault, number: status,
                detail: FailureDetail(cause: cause))
        case .unreadable(let status):
            throw VaultError(.providerAnswerUnreadable, .vault, number: status)
        }
    }

    // MARK: Tokens that nobody will ever use

    private static func revoke(
        _ verdict: consuming Verdict, _ id: ApplicationID, _ own: OwnSettings?,
        _ network: Network, _ store: any Reading, _ place: ExchangeListeners.Place?
    ) {
        do throws(VaultError) {
            revoke(verdict, try store.application(id, for: own), network, place)
        } catch {
            // The vault is closed, or there is no room: best effort.
        }
    }

    /// Whatever the provider says, they are wiped here.
    static func revoke(
        _ reply: borrowing TokenReply, _ application: borrowing Application, _ network: Network,
        _ place: ExchangeListeners.Place? = nil
    ) {
        try? Revocation(network).send(application, reply) { _ in
            withExtendedLifetime(place) {}
        }
        if let second = try? reply.second() {
            try? Revocation(network).send(application, second) { _ in
                withExtendedLifetime(place) {}
            }
        }
    }

    /// Revokes what can be read of an answer.
    ///
    /// - Parameter place: held until the provider has answered.
    private static func revoke(
        _ verdict: consuming Verdict, _ application: borrowing Application, _ network: Network,
        _ place: ExchangeListeners.Place?
    ) {
        switch consume verdict {
        case .tokens(let reply): revoke(reply, application, network, place)
        case .unread(_, let body, _): revoke(body, application, network, place)
        default: break
        }
    }

    private static func revoke(
        _ unread: borrowing Secret, _ application: borrowing Application, _ network: Network,
        _ place: ExchangeListeners.Place?
    ) {
        guard let tokens = try? UnreadReply.tokens(in: unread.bytes) else { return }
        try? Revocation(network).send(application, tokens) { _ in
            withExtendedLifetime(place) {}
        }
    }
}
