// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What a subcommand asks of the vault, whichever process owns it. No secret is among it: client
/// secrets and callbacks travel beside it as bytes of their own.
enum Request: Codable, Sendable {
    /// Whether somebody answers: it is, before anything else is done.
    case ping
    case applications
    /// With the client secret and the private key, where there are such.
    case putApplication(ApplicationForm)
    case removeApplication(id: String)
    case discover(issuer: String)
    case refreshIssuer(id: String, acceptsChange: Bool)
    /// Answered by the public half of its signing key, where it has one.
    case applicationKey(id: String)
    /// With the secret of a client of its own, where there is one; nothing is its own without a
    /// form.
    case connect(
        id: String, application: String, scopes: [String]?, userScopes: [String]? = nil,
        own: OwnForm? = nil)
    /// Begins a device authorization; with a secret as `connect`.
    case connectDevice(id: String, application: String, scopes: [String]?, own: OwnForm? = nil)
    /// How a device authorization stands: `device` while it is open, then `connected` or why not.
    case device(id: String)
    case cancelDevice(id: String)
    /// Without anybody's browser, by a `GrantType`, for a subject where that names one; with the
    /// secret as above. Answered when it is connected.
    case connectByItself(
        id: String, application: String, grant: String, scopes: [String]?, own: OwnForm?,
        subject: String? = nil)
    case link(LinkForm)
    /// Where browsers are answered.
    case reach
    /// Of a flow that waits for the platform: its user is the one who began, or is not.
    case confirmFlow(flow: String)
    case dropFlow(flow: String)
    /// With the callback's query.
    case complete(id: String, application: String)
    case list
    case status(id: String)
    /// Answered by the token itself.
    case token(id: String, minimumSeconds: Int)
    case refresh(id: String)
    case retry(id: String)
    case retryApplication(id: String)
    case use(id: String)
    case rejected(id: String, generation: UInt64?)
    case failed(id: String, code: Int32)
    case disconnect(id: String, waitSeconds: Int?)
    case log(id: String, limit: Int)
    case applicationLog(id: String, limit: Int)
    /// What happened in the vault, behind an `EventCursor`.
    case events(after: String? = nil, limit: Int)
    case webhooks
    /// Answered by the key, as text, and the id.
    case addWebhook(url: String, types: [String]? = nil)
    case rotateWebhook(id: String, keepSeconds: Int64)
    case removeWebhook(id: String)
    case resumeWebhook(id: String)
    case testWebhook(id: String)
    /// With whole lines of an import; those at these places, from 0 on, are left out.
    case importLines(replaces: Bool, skips: [Int])
    case addAPIKey(NewAPIKeyForm)
    case apiKeys
    case revokeAPIKey(id: String)
}

extension Request {
    /// Whether nothing is left undone where nobody waits for it any more: the refresh that it asks
    /// for goes on by itself.
    var onlyWaits: Bool {
        switch self {
        case .token, .refresh, .rejected, .log, .applicationLog, .events, .discover: true
        default: false
        }
    }

    /// Whether it is answered by a key that was made for it.
    var makesKey: Bool {
        switch self {
        case .addWebhook, .rotateWebhook: true
        default: false
        }
    }

    /// How long the answer may take, in milliseconds.
    var answerMilliseconds: Int64 {
        switch self {
        // As many at a time as the provider's limits allow.
        case .retryApplication: 3_600_000
        case .disconnect(_, let waitSeconds):
            Wire.answerMilliseconds + Int64(waitSeconds ?? 0) * 1000
        default: Wire.answerMilliseconds
        }
    }
}

/// One part of an answer; some requests have many, some none.
enum Reply: Codable, Sendable {
    case application(ApplicationForm)
    case discovery(DiscoveryForm)
    case issuerRefresh(IssuerRefreshForm)
    /// A JSON Web Key.
    case publicKey(jwk: String)
    /// Where to send the browser. Its state is one-time and not to be kept.
    case authorization(url: String)
    case connected(id: String)
    case link(MadeLinkForm)
    case reach(FrontReach)
    case device(DeviceForm)
    case status(StatusForm)
    /// One for each connection of a `retryApplication`.
    case retried(id: String, failure: FailureForm?)
    case event(EventForm)
    case receipt(ReceiptForm)
    case importedLines(ImportedForm)
    case webhook(WebhookForm)
    /// Whose the key is.
    case webhookKey(id: String)
    case webhookOutcome(WebhookOutcomeForm)
    case apiKey(APIKeyForm)
}

/// What answers requests: the vault, opened here, or the process that owns it.
protocol VaultDoor: AnyObject, Sendable {
    /// - Parameters:
    ///   - secret: what the request says goes with it.
    ///   - take: runs for each part of the answer, in order.
    /// - Throws: `VaultError`, `CommandFailure`, what `take` throws.
    func ask(
        _ request: Request, secret: consuming Secret?, _ take: (Reply) throws -> Void
    ) async throws

    /// Lends an access token.
    func withToken(
        id: String, minimumSeconds: Int, _ body: (borrowing Secret) throws -> Void
    ) async throws

    /// Asks for a key that is made, lends it, and then tells the rest of the answer.
    func askForKey(
        _ request: Request, _ take: (Reply) throws -> Void,
        _ body: (borrowing Secret) throws -> Void
    ) async throws

    /// Gives the vault back. Nothing may be asked afterwards.
    func close()
}

extension VaultDoor {
    /// Asks without a secret.
    func ask(_ request: Request, _ take: (Reply) throws -> Void = { _ in }) async throws {
        try await ask(request, secret: nil, take)
    }

    /// The status of a connection.
    func status(id: String) async throws -> StatusForm {
        var found: StatusForm?
        try await ask(.status(id: id)) { reply in
            if case .status(let status) = reply { found = status }
        }
        guard let found else { throw Self.unexpected }
        return found
    }

    /// An application.
    func application(id: String) async throws -> ApplicationForm {
        var found: ApplicationForm?
        try await ask(.applications) { reply in
            if case .application(let application) = reply, application.id == id {
                found = application
            }
        }
        guard let found else { throw VaultError(.applicationNotFound, .vault).failure }
        return found
    }

    /// An answer that does not fit its question.
    static var unexpected: CommandFailure {
        CommandFailure(.internalFault, "the serving process is of another version: restart it")
    }
}
