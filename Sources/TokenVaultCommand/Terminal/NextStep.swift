// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What the next step of a connection means to somebody at a terminal.
enum NextStep {
    /// Nil where there is none.
    static func text(_ status: StatusForm) -> String? {
        switch status.nextStep {
        case "none": status.served == false && status.nextRefresh != nil ? idle : nil
        case "connect" where isOfClient(status):
            cause(status).map {
                $0.contains("connect") ? $0 : "\($0); then run `tokenvault connect` again"
            } ?? "run `tokenvault connect \(option(status))`"
        case "connect":
            cause(status).map {
                $0.contains("connect again") || $0.contains("connect --device again")
                    ? $0 : "\($0); then run `tokenvault connect`"
            } ?? "run `tokenvault connect`"
        case "reconnect": reconnect(status)
        case "check_use":
            "look at the component that used it: the error is its own; the light turns when a use "
                + "works (`tokenvault use`)"
        case "wait" where status.reason == "tokenRejected":
            "run `tokenvault refresh`: the provider's API rejected the token, and no other one has "
                + "come since"
        case "wait": wait(status)
        case "correct_application" where status.reason == "applicationRemoved":
            "add the application again: `tokenvault app add \(status.application ?? "ID")`"
        case "correct_application":
            cause(status)
                ?? "correct the application, or its provider's definition: `tokenvault app add "
                + "--replace`"
        case "make_room": "make room on the disk"
        case "retry" where status.reasonDetail?.detail.cause == .tokenTypeNotTaken:
            "the answer's token type is none that the vault knows: where such tokens are sent as "
                + "Bearer, list it in bearer_token_types (`tokenvault app add --replace`), and the "
                + "kept answer is read; else " + VaultError.unreadWaysOut
        case "retry":
            "the provider's answer names a token and cannot be used\(fault(status)): a newer "
                + "version may read it; " + VaultError.unreadWaysOut
        default: status.nextStep
        }
    }

    private static func isOfClient(_ status: StatusForm) -> Bool { subject(status) != nil }

    /// What failures of a grant of the client's own are about.
    private static func subject(_ status: StatusForm) -> FailureSubject? {
        switch status.grant.flatMap(GrantType.init(rawValue:)) {
        case .clientCredentials: .clientCredentials
        case .jwtBearer: .signingKey
        default: nil
        }
    }

    /// By which it is connected.
    private static func option(_ status: StatusForm) -> String {
        subject(status) == .signingKey ? "--jwt-bearer" : "--client-credentials"
    }

    /// What is wrong with an answer, where that is known.
    private static func fault(_ status: StatusForm) -> String {
        status.reasonDetail?.detail.cause.map { " (\(VaultError.words($0)))" } ?? ""
    }

    /// All is well, but no process keeps it so.
    private static let idle =
        "nothing now; start `tokenvault serve`, or run `tokenvault refresh` in time: nothing is "
        + "refreshed while none runs"

    private static func reconnect(_ status: StatusForm) -> String {
        switch status.reason {
        case "tokenRejected":
            "the provider's API rejected the token, and nothing can renew it: run "
                + "`tokenvault connect` again"
        case "refreshRefused":
            cause(status).map { "the token has expired, and no other one comes: \($0)" }
                ?? "the token has expired, and the provider refuses to renew it: run `tokenvault "
                + "connect` again; if all of the application's are refused, see that at the "
                + "provider"
        case "applicationRejected":
            "the provider rejects the client id and secret of the connection's own: run "
                + "`tokenvault connect` again with --client-id and the right secret"
        case nil where status.endCause == EndCause.notRenewable.rawValue:
            "the token has expired, and there is no refresh token: run `tokenvault connect` again"
        default: "the grant has ended: run `tokenvault connect` again"
        }
    }

    private static func wait(_ status: StatusForm) -> String {
        // What no waiting mends, and what it may.
        let error = error(status)
        if let error, let text = error.remedy?.text {
            if error.code == .certificateRefused || error.code == .certificateFileUnusable {
                return text
            }
            let isOfProvider =
                error.code == .providerUnreachable || error.code == .providerAnswerUnreadable
                || error.code == .proxyFailed
            if isOfProvider, let cause = error.knownCause {
                let next = status.served ?? true ? retrying(status) : "then \(command(status))"
                return "\(cause.text); \(next)"
            }
        }
        guard status.served ?? true else { return command(status) }
        return status.reason == "answerOutstanding"
            ? "nothing: the answer is waited for, and nothing else is sent"
            : "nothing: \(retrying(status))"
    }

    /// What the process that serves does.
    private static func retrying(_ status: StatusForm) -> String {
        let moment = status.nextRefresh.flatMap { $0.time > SystemTime().now() ? $0.time : nil }
        let next = moment.map { ", not before \($0.timeOfDay)" } ?? ""
        return "the vault tries again by itself\(next)"
    }

    /// What to run where no process serves.
    private static func command(_ status: StatusForm) -> String {
        if status.answerOutstandingSince != nil {
            let end = status.nextRefresh.map { " (\($0.time.timeOfDay))" } ?? ""
            return "run `tokenvault refresh`, or start `tokenvault serve`: a process ended before "
                + "its request was answered, and they wait until it is safe to ask again\(end)"
        }
        let moment = status.retryTime.map { ", not before \($0.time.timeOfDay)" } ?? ""
        return "run `tokenvault refresh`\(moment), or start `tokenvault serve`: nothing is "
            + "refreshed while none runs"
    }

    /// What a failure's own message says.
    private static func cause(_ status: StatusForm) -> String? { error(status)?.remedy?.text }

    /// The error that the reason was at its time, as far as it is kept.
    private static func error(_ status: StatusForm) -> VaultError? {
        let number = status.reasonNumber ?? 0
        var detail = status.reasonDetail?.detail ?? FailureDetail()
        if number == -63 { detail.cause = .tooLong }
        let isConnect = isOfConnect(status.reason)
        if number < 0, let subject = subject(status) { detail.subject = subject }
        guard let code = code(status.reason, number, detail) else { return nil }
        let shown: Int =
            switch code {
            case .certificateRefused: detail.verifyResult
            case .authorizationRefused: Int(detail.error?.rawValue ?? OAuthError.other.rawValue)
            default: abs(number)
            }
        return VaultError(code, isConnect ? .vault : .upkeep, number: shown, detail: detail)
    }

    private static func isOfConnect(_ reason: String?) -> Bool {
        reason == "connectFailed" || reason == "connectDenied"
    }

    private static func code(
        _ reason: String?, _ number: Int, _ detail: FailureDetail
    ) -> VaultError.Code? {
        if detail.subject == .proxy, reason == "refreshDelayed" || isOfConnect(reason) {
            return .proxyFailed
        }
        return switch reason {
        case "refreshRefused":
            detail.cause == nil ? (number == 0 ? nil : .providerRefused) : .endpointRefused
        case "applicationRejected": .applicationMisconfigured
        case "refreshDelayed" where number < 0: code(curlCode: -number)
        case "connectDenied": .flowDenied
        case "connectFailed" where number < 0: code(curlCode: -number)
        case "connectFailed" where number == 0: code(ofCallback: detail)
        case "connectFailed": code(ofExchange: number, detail)
        default: nil
        }
    }

    private static func code(curlCode: Int) -> VaultError.Code {
        switch curlCode {
        case 60: .certificateRefused
        case 77: .certificateFileUnusable
        case 28: .deadlineExceeded
        case 8, 18, 23, 42, 52, 55, 56, 61: .answerLost
        case 63: .providerAnswerUnreadable
        default: .providerUnreachable
        }
    }

    private static func code(ofCallback detail: FailureDetail) -> VaultError.Code? {
        if detail.error == .accessDenied { return .flowDenied }
        if detail.error != nil { return .authorizationRefused }
        return switch detail.cause {
        case nil: nil
        case .issuerMissing, .issuerOther: .issuerMismatch
        case .otherAccount, .accountUnknown: .otherAccount
        default: detail.subject == nil ? nil : .endpointRefused
        }
    }

    private static func code(
        ofExchange status: Int, _ detail: FailureDetail
    ) -> VaultError.Code {
        if status < 300, detail.error == nil { return .providerAnswerUnreadable }
        if status == 429 || status == 408 || status == 425 || status >= 500 {
            return .providerBusy
        }
        return switch detail.error {
        case .invalidClient: .applicationMisconfigured
        case .temporarilyUnavailable, .serverError: .providerBusy
        case nil where status == 401: .applicationMisconfigured
        default: .providerRefused
        }
    }
}
