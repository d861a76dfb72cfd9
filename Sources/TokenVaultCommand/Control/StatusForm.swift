// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// How a connection is, as JSON has it.
struct StatusForm: Codable, Sendable {
    var id: String
    /// What events and webhooks call it.
    var reference: String?
    var light: String
    var reason: String?
    var reasonNumber: Int?
    var reasonDetail: DetailForm?
    var nextStep: String
    var application: String?
    /// What it has its access tokens by; nil of one that has none yet.
    var grant: String?
    var subject: String?
    /// Whose account it is.
    var account: String?
    /// Whose it was before, where another account came back.
    var earlierAccount: String?
    var expires: Moment?
    var expirySource: String
    var refreshTokenExpires: Moment?
    var diesAt: Moment?
    var endCause: String?
    var nextRefresh: Moment?
    var retryTime: Moment?
    var answerOutstandingSince: Moment?
    /// When the platform reported that the API rejected the present token.
    var tokenRejected: Moment?
    var lastRefreshed: Moment?
    var refreshCount: UInt64
    var lastUsed: Moment?
    var requestedScope: String?
    var grantedScope: String?
    /// What was asked for and not granted, and the other way round; nil where nothing was.
    var missingScopes: [String]?
    var extraScopes: [String]?
    /// The values of the provider's variables.
    var variables: [String: String]?
    /// What was captured when it was connected, and since.
    var captured: [String: String]?
    /// Which of both no person but the operator is to be shown.
    var hiddenNames: [String]?
    /// The further hosts of the provider's API.
    var resourceHosts: [String]?
    var generation: UInt64
    /// How the process that answers holds what is open in it.
    var memory: String
    /// Whether that process goes on refreshing; else it ends with the command.
    var served: Bool?

    enum CodingKeys: String, CodingKey {
        case id, reference, light, reason, application, grant, subject, account, expires
        case generation, memory
        case served
        case variables, captured
        case earlierAccount = "earlier_account"
        case hiddenNames = "hidden_names"
        case resourceHosts = "resource_hosts"
        case reasonNumber = "reason_number"
        case reasonDetail = "reason_detail"
        case nextStep = "next_step"
        case expirySource = "expiry_source"
        case refreshTokenExpires = "refresh_token_expires"
        case diesAt = "dies_at"
        case endCause = "end_cause"
        case nextRefresh = "next_refresh"
        case retryTime = "retry_time"
        case answerOutstandingSince = "answer_outstanding_since"
        case tokenRejected = "token_rejected"
        case lastRefreshed = "last_refreshed"
        case refreshCount = "refresh_count"
        case lastUsed = "last_used"
        case requestedScope = "requested_scope"
        case grantedScope = "granted_scope"
        case missingScopes = "missing_scopes"
        case extraScopes = "extra_scopes"
    }

    init(_ status: ConnectionStatus, _ memory: SecretArena.Kind, isServed: Bool) {
        id = status.connection.text
        reference = status.reference
        light = status.light.rawValue
        reason = status.reason?.description
        reasonNumber = status.reasonNumber == 0 ? nil : status.reasonNumber
        reasonDetail = DetailForm(status.reasonDetail)
        nextStep = Self.name(status.nextStep)
        application = status.application?.text
        grant = status.grant.rawValue
        subject = status.subject
        account = status.account
        earlierAccount = status.earlierAccount
        expires = status.accessTokenExpiry.map(Moment.init)
        expirySource = Self.name(status.expirySource)
        refreshTokenExpires = status.refreshTokenExpiry.map(Moment.init)
        diesAt = status.diesAt.map(Moment.init)
        endCause = status.endCause?.rawValue
        nextRefresh = status.nextRefresh.map(Moment.init)
        retryTime = status.retryTime.map(Moment.init)
        answerOutstandingSince = status.answerOutstandingSince.map(Moment.init)
        tokenRejected = status.tokenRejected.map(Moment.init)
        lastRefreshed = status.lastRefreshed.map(Moment.init)
        refreshCount = status.refreshCount
        lastUsed = status.lastUsed.map(Moment.init)
        requestedScope = status.requestedScope
        grantedScope = status.grantedScope
        missingScopes = status.missingScopes.isEmpty ? nil : status.missingScopes
        extraScopes = status.extraScopes.isEmpty ? nil : status.extraScopes
        generation = status.generation
        self.memory = Self.name(memory)
        served = isServed
    }

    /// What is known of it beside the tokens; none of it is a secret.
    mutating func add(_ values: ConnectionValues) {
        variables = values.variables.isEmpty ? nil : values.variables
        captured = values.captured.isEmpty ? nil : values.captured
        hiddenNames = values.hiddenNames.isEmpty ? nil : values.hiddenNames.sorted()
        resourceHosts = values.resourceHosts.isEmpty ? nil : values.resourceHosts
    }

    private static func name(_ memory: SecretArena.Kind) -> String {
        switch memory {
        case .secretMemory: "secret_memory"
        case .locked: "locked"
        case .unlocked: "unlocked"
        case .unavailable: "unavailable"
        }
    }

    private static func name(_ step: ConnectionStatus.NextStep) -> String {
        switch step {
        case .correctApplication: "correct_application"
        case .makeRoom: "make_room"
        case .checkUse: "check_use"
        default: step.rawValue
        }
    }

    private static func name(_ source: TokenSet.ExpirySource) -> String {
        switch source {
        case .unknown: "unknown"
        case .expiresIn: "expires_in"
        case .expiresAt: "expires_at"
        case .jwt: "jwt"
        case .provider: "provider"
        case .application: "application"
        case .caller: "caller"
        }
    }
}

/// A moment, written as ISO 8601 and read back.
struct Moment: Codable, Sendable {
    let time: UnixTime

    init(_ time: UnixTime) { self.time = time }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let time = UnixTime(text: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a moment"))
        }
        self.time = time
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(time.text)
    }
}

/// Something that happened, as JSON has it.
struct EventForm: Codable, Sendable {
    var time: Moment
    var event: String
    var number: Int64?
    var detail: DetailForm?
    /// Of the log of the whole vault: the place behind it, and whom it is about.
    var cursor: String?
    var reference: String?
    var connection: String?
    var application: String?

    init(_ event: LoggedEvent) {
        self.init(event.event)
        cursor = "\(event.cursor)"
        reference = event.reference
        connection = event.event.connection?.text
        application = event.application?.text
    }

    init(_ event: VaultEvent) {
        time = Moment(event.time)
        self.event = event.kind.description
        number = event.number == 0 ? nil : event.number
        detail = DetailForm(event.detail)
    }
}
