// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The vault, opened in this process.
final class OwnVault: VaultDoor {
    let vault: Vault
    /// Whether the process ends with the request. Then it stays until the provider has answered:
    /// nobody else would hear the answer.
    let endsWithRequest: Bool
    /// How this process answers browsers, or another will; nil where that is not known.
    let front: FrontSettings?
    /// Before anything that this process sends.
    private let began = SystemTime().now()

    init(_ vault: Vault, endsWithRequest: Bool, front: FrontSettings? = nil) {
        self.vault = vault
        self.front = front
        self.endsWithRequest = endsWithRequest
    }

    func ask(
        _ request: Request, secret: consuming Secret?, _ take: (Reply) throws -> Void
    ) async throws {
        if case .ping = request { return }
        // Some of the verbs would wait on this thread, of which there are few.
        try await vault.readable()
        switch request {
        case .ping: return
        case .applications, .putApplication, .removeApplication, .discover, .refreshIssuer,
            .applicationKey:
            try await ask(ofApplications: request, secret: secret, take)
        case .connect(let id, let application, let scopes, let userScopes, let own):
            let request = try await vault.connect(
                ConnectionID(id), application: ApplicationID(application), scopes: scopes,
                userScopes: userScopes, settings: (own ?? OwnForm()).settings(clientSecret: secret))
            try take(.authorization(url: request.url))
        case .connectDevice, .device, .cancelDevice:
            if let reply = try await answer(toDevice: request, secret) { try take(reply) }
        case .link, .reach, .confirmFlow, .dropFlow:
            if let reply = try await answer(toLink: request) { try take(reply) }
        case .connectByItself(
            let id, let application, let grant, let scopes, let own, let subject):
            try await connect(
                id, application, Self.grant(grant, subject), scopes, own ?? OwnForm(), secret)
            try take(.connected(id: id))
        case .complete(let id, let application):
            let id = try await complete(secret, id, application)
            try take(.connected(id: id.text))
        case .list:
            for try await status in try vault.statuses() { try take(.status(form(status))) }
        case .status(let id):
            guard let status = try vault.status(ConnectionID(id)) else {
                throw VaultError(.notFound, .vault, connection: try ConnectionID(id))
            }
            var form = form(status)
            if let values = try vault.values(ConnectionID(id)) { form.add(values) }
            try take(.status(form))
        case .refresh(let id):
            let id = try ConnectionID(id)
            try await staying(id) { try await vault.refresh(id, awaitsLateAnswer: endsWithRequest) }
        case .retry(let id):
            let id = try ConnectionID(id)
            try await staying(id) {
                try await vault.retry(id, awaitsLateAnswer: endsWithRequest)
            }
        case .retryApplication(let id): try await retry(ApplicationID(id), id, take)
        case .use(let id): try await vault.reportUse(ConnectionID(id))
        case .rejected(let id, let generation): try await reject(ConnectionID(id), generation)
        case .failed(let id, let code):
            try await vault.reportFailed(ConnectionID(id), number: code)
        case .disconnect(let id, let waitSeconds):
            let receipt = try await vault.disconnect(
                ConnectionID(id), waiting: .seconds(waitSeconds ?? 0))
            try take(.receipt(ReceiptForm(receipt)))
        case .log(let id, let limit):
            try await tell(vault.log(ConnectionID(id), limit: limit), take)
        case .applicationLog(let id, let limit):
            try await tell(vault.log(application: ApplicationID(id), limit: limit), take)
        case .events(let cursor, let limit):
            try await tellEvents(after: cursor, limit: limit, take)
        case .webhooks, .removeWebhook, .resumeWebhook, .testWebhook:
            try await ask(ofWebhooks: request, take)
        case .importLines(let replaces, let skips):
            try take(.importedLines(await importLines(secret, replaces, skips)))
        case .addAPIKey, .apiKeys, .revokeAPIKey: try await answer(toAPIKeys: request, take)
        case .token, .addWebhook, .rotateWebhook: throw VaultError(.invalidArgument, .vault)
        }
    }

    /// Retries what waits for an operator, of a whole application.
    private func retry(
        _ application: ApplicationID, _ id: String, _ take: (Reply) throws -> Void
    ) async throws {
        let outcome = try await staying {
            "\(id.printable): waiting for the provider's answers. " + Self.whatEndsIt
        } body: {
            try await vault.retry(
                application: application, awaitsLateAnswers: endsWithRequest)
        }
        for id in outcome.recovered { try take(.retried(id: id.text, failure: nil)) }
        for (id, error) in outcome.failed {
            try take(.retried(id: id.text, failure: FailureForm(error.concerning(id))))
        }
    }

    /// What is asked about applications.
    private func ask(
        ofApplications request: Request, secret: consuming Secret?, _ take: (Reply) throws -> Void
    ) async throws {
        switch request {
        case .applications:
            let sorted = try vault.applications().sorted { $0.id.text < $1.id.text }
            for summary in sorted { try take(.application(ApplicationForm(summary))) }
        case .putApplication(let form):
            try await vault.put(form.application(secret))
        case .removeApplication(let id):
            try await vault.removeApplication(ApplicationID(id))
        case .discover(let issuer): try await take(.discovery(.init(vault.discover(issuer))))
        case .refreshIssuer(let id, let accepts):
            try await refreshIssuer(ApplicationID(id), accepts, take)
        case .applicationKey(let id):
            let key = try vault.publicKey(of: ApplicationID(id))
            if let key { try take(.publicKey(jwk: key)) }
        default: throw VaultError(.invalidArgument, .vault)
        }
    }

    private func refreshIssuer(
        _ id: ApplicationID, _ acceptsChange: Bool, _ take: (Reply) throws -> Void
    ) async throws {
        let refresh = try await vault.refreshIssuer(id, acceptsChange: acceptsChange)
        try take(.issuerRefresh(IssuerRefreshForm(refresh)))
    }

    /// Without anybody's browser.
    private func connect(
        _ id: String, _ application: String, _ grant: ClientGrant, _ scopes: [String]?,
        _ own: OwnForm, _ secret: consuming Secret?
    ) async throws {
        try await vault.connect(
            ConnectionID(id), application: ApplicationID(application), grant: grant,
            scopes: scopes, settings: own.settings(clientSecret: secret))
    }

    private static func grant(
        _ name: String, _ subject: String?
    ) throws(VaultError) -> ClientGrant {
        switch GrantType(rawValue: name) {
        case .clientCredentials: .clientCredentials
        case .jwtBearer: .jwtBearer(subject: subject)
        default: throw VaultError(.invalidArgument, .vault)
        }
    }

    private func form(_ status: ConnectionStatus) -> StatusForm {
        StatusForm(status, vault.memoryStatus.arena, isServed: !endsWithRequest)
    }

    private func tell(_ events: [VaultEvent], _ take: (Reply) throws -> Void) async throws {
        for (number, event) in events.enumerated() {
            if number % Self.listedMax == 0 {
                await Task.yield()
                try Task.checkCancellation()
            }
            try take(.event(EventForm(event)))
        }
    }

    private func reject(_ id: ConnectionID, _ generation: UInt64?) async throws {
        try await staying(id) {
            try await vault.reportRejected(
                id, generation: generation, awaitsLateAnswer: endsWithRequest)
        }
    }

    private func complete(
        _ query: consuming Secret?, _ id: String, _ application: String
    ) async throws -> ConnectionID {
        switch consume query {
        case .none: throw VaultError(.invalidArgument, .vault)
        case .some(let query):
            return try await vault.complete(
                callbackQuery: query, application: ApplicationID(application),
                connection: ConnectionID(id))
        }
    }

    func withToken(
        id: String, minimumSeconds: Int, _ body: (borrowing Secret) throws -> Void
    ) async throws {
        let id = try ConnectionID(id)
        try await staying(id) {
            try await vault.withAccessToken(
                id, minimumLifetime: .seconds(minimumSeconds),
                awaitsLateAnswer: endsWithRequest
            ) { token in try body(token.secret) }
        }
    }

    /// Says what the command waits for, where it waits long.
    private func staying(_ id: ConnectionID, _ body: () async throws -> Void) async throws {
        try await staying { [vault, began] in
            guard let status = try vault.status(id), let since = status.answerOutstandingSince
            else { return nil }
            let name = id.text.printable
            guard since < began else {
                return "\(name): answer outstanding since \(since.text); waiting for it. "
                    + Self.whatEndsIt
            }
            let end = status.nextRefresh.map { " (until \($0.timeOfDay))" } ?? ""
            return "\(name): a request of \(since.timeOfDay) was never answered, since the process "
                + "that sent it ended; waiting until it is safe to ask again\(end). "
                + Self.whatEndsIt
        } body: {
            try await body()
        }
    }

    private static let whatEndsIt =
        "Ctrl-C ends the wait; what is unanswered stays on record as in doubt."

    /// The same in words that are looked for again until there are some.
    private func staying<Result>(
        words: @escaping @Sendable () throws -> String?, body: () async throws -> Result
    ) async throws -> Result {
        guard endsWithRequest else { return try await body() }
        let teller = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.noticeInterval)
                guard let words = try words() else { continue }
                return try Outlet.errors.line(words)
            }
        }
        defer { teller.cancel() }
        return try await body()
    }

    /// How many of a list are read before others have a turn.
    private static let listedMax = 64

    /// How soon somebody who waits is told why.
    private static let noticeInterval = Duration.seconds(1)

    func close() { vault.close() }

    /// The same on a thread of its own, and holds none of the pool's meanwhile.
    func closeElsewhere() async {
        await WorkerThread.run("vault-close") { [vault] in vault.close() }
    }
}
