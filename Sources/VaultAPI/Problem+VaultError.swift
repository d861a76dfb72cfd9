// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

/// What an error of the vault is to a program that asked over HTTP.
struct ProblemKind: Sendable {
    let code: VaultError.Code
    let status: HTTPResponse.Status
    let title: String
    let remedy: String

    init(
        _ code: VaultError.Code, _ status: HTTPResponse.Status, _ title: String, _ remedy: String
    ) {
        (self.code, self.status, self.title, self.remedy) = (code, status, title, remedy)
    }

    private static let later = "Ask again later; Retry-After says when, where that is known."
    private static let again = "Send the user through a new link."

    static let all = requests + connections + providers + vault

    private static let requests = [
        ProblemKind(
            .invalidArgument, .unprocessableContent, "A value is not allowed",
            "Correct it: cause and subject say what is wrong with what."),
        ProblemKind(
            .limitExceeded, .unprocessableContent, "That is more than the vault takes",
            "Send less; number is the limit, where there is one."),
        ProblemKind(
            .applicationNotFound, .notFound, "There is no such application",
            "Put it first: PUT /v1/applications/{id}."),
        ProblemKind(
            .notFound, .notFound, "There is none such",
            "Check the id; a link, a flow or a key may be used or gone."),
        ProblemKind(
            .alreadyExists, .conflict, "There is something there already",
            "Of a connection that has tokens, change the rest by a new link."),
        ProblemKind(
            .generationChanged, .conflict, "Somebody else wrote at the same time", "Ask again."),
        ProblemKind(
            .cursorExpired, .gone, "The log does not have what comes behind this cursor any more",
            "Begin without one, and look at the lights for what was missed."),
        ProblemKind(
            .endpointRefused, .unprocessableContent, "An endpoint is not allowed",
            "It must be https and on the open internet; the operator can allow more."),
        ProblemKind(
            .tooManySecrets, .serviceUnavailable, "Too many secrets are open at once", later),
    ]

    private static let connections = [
        ProblemKind(
            .notConnected, .conflict, "Nobody has connected it yet", again),
        ProblemKind(
            .grantLost, .conflict, "The provider has ended the grant", again),
        ProblemKind(
            .notRefreshable, .conflict, "The token cannot be renewed",
            "Where min_ttl is longer than the provider's tokens live, ask for less; else send the "
                + "user through a new link."),
        ProblemKind(
            .disconnecting, .conflict, "The connection is being disconnected", later),
        ProblemKind(
            .applicationMisconfigured, .conflict, "The provider rejects the application",
            "Correct its client id, secret or key: PUT /v1/applications/{id}."),
        ProblemKind(
            .flowExpired, .gone, "No callback of the flow waits for a confirmation",
            "It has not come, or its 60 seconds are over, or it was confirmed or dropped: send the "
                + "user through a new link."),
        ProblemKind(.linkExpired, .gone, "The link was used or has expired", again),
        ProblemKind(.flowDenied, .conflict, "The user, or the provider, refused", again),
        ProblemKind(.flowEnded, .gone, "The flow is over", again),
        ProblemKind(
            .callbackRejected, .unprocessableContent, "The callback is of no open flow", again),
        ProblemKind(
            .callbackOfAnother, .unprocessableContent, "The callback is another connection's",
            again),
        ProblemKind(
            .issuerMismatch, .conflict, "The callback is not from the provider's issuer",
            "Correct the application's issuer; else two providers were mixed up on purpose."),
        ProblemKind(
            .authorizationRefused, .conflict, "The provider refused the authorization request",
            "oauth_error says why: correct the application or the scopes, then make a new link."),
    ]

    private static let providers = [
        ProblemKind(
            .providerRefused, .badGateway, "The provider refused",
            "number is its HTTP status, and oauth_error what it said."),
        ProblemKind(
            .providerUnreachable, .badGateway, "The provider cannot be reached", later),
        ProblemKind(.proxyFailed, .badGateway, "The operator's proxy fails", later),
        ProblemKind(.answerLost, .badGateway, "The provider's answer was lost", later),
        ProblemKind(
            .providerAnswerUnreadable, .badGateway, "The provider's answer is no token response",
            "The operator has to look: `tokenvault status`."),
        ProblemKind(
            .certificateRefused, .badGateway, "The provider's certificate is not trusted",
            "The operator has to look: `tokenvault status`."),
        ProblemKind(.providerBusy, .serviceUnavailable, "The provider is busy", later),
        ProblemKind(.backingOff, .serviceUnavailable, "The provider is left alone", later),
        ProblemKind(
            .answerOutstanding, .serviceUnavailable, "The provider has not answered yet", later),
        ProblemKind(
            .deadlineExceeded, .gatewayTimeout, "The provider took too long", later),
    ]

    private static let vault = [
        ProblemKind(
            .notVerified, .serviceUnavailable, "The vault is still being verified", later),
        ProblemKind(.closed, .serviceUnavailable, "The vault is being closed", later),
        ProblemKind(.cancelled, .serviceUnavailable, "The vault is being closed", later),
        ProblemKind(
            .storeFull, .serviceUnavailable, "The disk is full",
            "The operator has to make room; nothing was lost."),
        ProblemKind(.outOfMemory, .serviceUnavailable, "No memory is left", later),
    ]

    /// What needs the operator: damage, mostly.
    static let operatorTitle = "The vault cannot be used as it is"
    static let operatorRemedy = "The operator has to look: `tokenvault audit`."
}

extension Problem {
    init(_ error: VaultError) {
        let kind = ProblemKind.all.first { $0.code == error.code }
        self.init(
            kind?.status ?? .internalServerError, error.code.description,
            kind?.title ?? ProblemKind.operatorTitle, kind?.remedy ?? ProblemKind.operatorRemedy)
        number = error.number == 0 ? nil : error.number
        oauthError = error.oauthError
        cause = error.detail.causeName
        subject = error.detail.subjectName
        connection = error.connection?.text
        if status == .serviceUnavailable || error.retryTime != nil {
            headers.append((.retryAfter, "\(Self.seconds(error))"))
        }
    }

    /// For how long it is of no use to ask again, where nobody says.
    private static let retrySeconds: Int64 = 1
    /// The longest time that is told: the vault tries again by itself after that at the latest.
    private static let retrySecondsMax: Int64 = 3600

    private static func seconds(_ error: VaultError) -> Int64 {
        var seconds = retrySeconds
        if let time = error.retryTime {
            seconds = (time.milliseconds(since: SystemTime().now()) + 999) / 1000
        } else if error.code == .backingOff {
            seconds = Int64(error.number)
        }
        return min(max(seconds, retrySeconds), retrySecondsMax)
    }
}
