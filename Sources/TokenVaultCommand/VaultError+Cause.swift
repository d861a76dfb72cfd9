// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What to say of an error of which more than its code is known.
struct KnownCause {
    /// Nil where the code's own will do.
    var status: ExitStatus?
    /// What happened, and what to do next.
    let text: String

    init(_ text: String, _ status: ExitStatus? = nil) { (self.text, self.status) = (text, status) }
}

extension VaultError {
    /// Nil where its code says all there is to say.
    var knownCause: KnownCause? { knownCause(of: nil) }

    /// The same of a connection whose application is known by name.
    func knownCause(of application: String?) -> KnownCause? {
        if let known = deviceCause ?? clientGrantCause { return known }
        return switch code {
        case .providerRefused: isOfExchange ? refusedCode : refusedRefresh
        case .applicationMisconfigured where detail.cause == .rejectedBefore:
            earlierRejection(application)
        case .applicationMisconfigured: rejection
        case .authorizationRefused: refusedAuthorization
        case .endpointRefused: refusedEndpoint
        case .providerAnswerUnreadable: unreadableAnswer
        case .notRefreshable: notRenewable
        case .providerBusy: busy
        case .answerLost where isOfExchange, .deadlineExceeded where isOfExchange: lostCode
        case .answerLost: lostAnswer
        case .providerUnreachable: unreachable
        case .proxyFailed: failedProxy
        case .applicationNotFound where connection != nil: removal(application)
        case .alreadyExists where connection != nil: takenID
        case .backingOff: pause
        case .certificateFileUnusable: certificateFile
        case .wrongRootKey: wrongKey
        case .rootKeyUnusable: unusableKey
        case .unsafeDirectory: unsafeFile
        case .vaultIncomplete: missingFile
        case .databaseDamaged: lostDatabase
        case .callbackRejected: rejectedCallback
        case .issuerMismatch: issuer
        case .otherAccount: refusedAccount
        case .invalidArgument, .limitExceeded: argument
        case .storageFailed: storage
        case .storeFull: shortFile
        case .outOfMemory: tooFewFiles
        case .integrityFailed where detail.subject == .slotsFile: KnownCause(Self.slotsText)
        case .integrityFailed where number < 0: KnownCause(Self.noDatabaseText)
        default: nil
        }
    }

    /// Whether it is the exchange of a code that failed: later, refreshes do.
    var isOfExchange: Bool { stage == .vault }

    // MARK: Answers of the provider

    static let wrongEndpoint =
        "correct token_endpoint in the provider's definition (`tokenvault app add --replace`)"

    /// What a status says that comes without an `error`, to whatever was asked.
    private static let refusedScope = KnownCause(
        "the provider refuses the scopes: see which ones the application may ask for, correct them "
            + "(--scope), and run connect again")

    private var refusedRefresh: KnownCause {
        switch providerError {
        case .invalidRequest:
            KnownCause(
                "the provider calls the refresh request invalid: check client_authentication, "
                    + "token_parameters and refresh_grant; if it says so of a grant that is gone, "
                    + "list that answer in grant_lost_answers")
        case .invalidScope:
            Self.refusedScope
        case .unauthorizedClient:
            KnownCause(
                "the provider does not let the application refresh: allow it refresh tokens there "
                    + "(the grant type refresh_token), then run connect again")
        case .unsupportedGrantType:
            KnownCause(
                "the token endpoint does not know what is asked of it: check token_endpoint and "
                    + "refresh_grant (`tokenvault app add --replace`)")
        case .invalidGrant:
            KnownCause(
                "the provider says that the grant is not valid, and the application was changed "
                    + "since it last succeeded: check its client id and secret first; where they "
                    + "are right, run connect again")
        case .other where number == 401:
            KnownCause(
                "the provider refused with HTTP 401 and an error code of its own: usually the "
                    + "client secret or client_authentication is wrong (`tokenvault app add "
                    + "--replace`); where they are right, run connect again")
        case .other:
            KnownCause(
                "the provider refused with an error code of its own, which is not shown: where its "
                    + "documentation says that the grant is gone, list the code in "
                    + "grant_lost_errors and run connect again")
        case .some(let error):
            KnownCause(
                "the provider refused the refresh (\(error.name)): look that up in its "
                    + "documentation, or run connect again")
        case nil:
            KnownCause(
                unnamedRefusal
                    ?? "the provider refused without saying why: usually the grant is gone, and "
                    + "connecting again helps, or the client secret is wrong; if it answers so for "
                    + "every grant that is gone, list that in grant_lost_answers (status: "
                    + "\(number), error: none)")
        }
    }

    private var refusedCode: KnownCause {
        switch providerError {
        case .invalidGrant:
            KnownCause(
                "the provider does not take the authorization code: it has expired, was used "
                    + "before, or was given for another redirect URI: run connect again, and "
                    + "finish within a minute", .connectAgain)
        case .invalidRequest:
            KnownCause(
                "the provider calls the exchange of the code invalid: check that the redirect URI "
                    + "is registered there exactly as it is here, and check token_parameters; then "
                    + "run connect again")
        case .invalidScope:
            Self.refusedScope
        case .unauthorizedClient:
            KnownCause(
                "the provider does not let the application exchange codes: allow it the grant type "
                    + "authorization_code there, then run connect again")
        case .unsupportedGrantType:
            KnownCause(
                "the token endpoint does not know codes: " + Self.wrongEndpoint
                    + ", then run connect again")
        case .other:
            KnownCause(
                "the provider refused the code with an error of its own, which is not shown: check "
                    + "redirect URI, scopes and token_parameters against its documentation, then "
                    + "run connect again")
        case .some(let error):
            KnownCause(
                "the provider refused the code (\(error.name)): look that up in its "
                    + "documentation, then run connect again")
        case nil:
            KnownCause(
                unnamedRefusal.map { "\($0); then run connect again" }
                    ?? "the provider refused the code and did not say why: check client secret and "
                    + "redirect URI, then run connect again")
        }
    }

    private var rejection: KnownCause? {
        switch providerError {
        case .unauthorizedClient, .unsupportedGrantType:
            isOfExchange ? refusedCode : refusedRefresh
        default:
            nil
        }
    }

    private func earlierRejection(_ application: String?) -> KnownCause {
        let name = application.map { " \($0)" } ?? ""
        let option = "--app\(application == nil ? " APP" : name)"
        let log = number > 0 ? "" : ", and `tokenvault log \(option)` says how"
        return KnownCause(
            "nothing was sent, for the provider has rejected the application\(name)\(log): correct "
                + "its client id, its secret or signing key, or how it authenticates, with "
                + "`tokenvault app add --replace`; where the fault was the provider's, `tokenvault "
                + "retry \(option)` asks again at once")
    }

    private func removal(_ application: String?) -> KnownCause {
        let name = application.map { " \($0)" } ?? ""
        return KnownCause(
            "the application\(name) that it was connected through is not there any more: add it "
                + "again (`tokenvault app add\(name)`), or disconnect the connection")
    }

    /// A provider's second connection is the only one that is not asked for by its id.
    private var takenID: KnownCause {
        KnownCause(
            "a connection of another application has this id, which the second connection of the "
                + "provider's definition would get (second_connection): connect under another "
                + "id, or disconnect that one first; nobody was sent to the provider")
    }

    private var refusedAuthorization: KnownCause? {
        switch providerError {
        case .invalidRequest:
            KnownCause(
                "the provider says that the authorization request is not as it wants it: check "
                    + "that the redirect URI is registered there letter by letter, and whether it "
                    + "wants one more of authorization_parameters; then run connect again")
        case .unauthorizedClient:
            KnownCause(
                "the provider does not let the application ask for codes: allow it the grant type "
                    + "authorization_code there, then run connect again")
        case .unsupportedResponseType:
            KnownCause(
                "the provider does not hand out codes at this authorization_endpoint: correct it "
                    + "(`tokenvault app add --replace`), then run connect again")
        case .invalidScope:
            KnownCause(
                "the provider does not know one of the scopes, or does not allow it to the "
                    + "application: correct them (--scope), then run connect again")
        case .serverError, .temporarilyUnavailable:
            KnownCause(
                "the provider has trouble of its own, or too much to do: run connect again later",
                .providerUnavailable)
        case .loginRequired, .interactionRequired, .consentRequired, .accountSelectionRequired:
            KnownCause(
                "the provider must ask the user something and was told not to: take prompt=none "
                    + "out of authorization_parameters, then run connect again")
        case .invalidTarget:
            KnownCause(
                "the provider does not take the resource that is asked for: correct resource among "
                    + "authorization_parameters, then run connect again")
        default: nil
        }
    }

    /// What ends the wait of a connection whose answer lies unread.
    static let unreadWaysOut =
        "connect again, or run `tokenvault retry ID`, which presents the old token and ends the "
        + "grant where the provider has replaced it"

    private var unreadableAnswer: KnownCause? {
        if detail.cause == .tooLong {
            return KnownCause(
                "the provider's answer was too long to be read to its end (256 KiB, and 64 KiB for "
                    + "its head): check token_endpoint; if that is right, tell the provider")
        }
        let isOfType = detail.cause == .tokenTypeNotTaken
        let type =
            "the provider answered with a token type that the vault does not know, or that needs "
            + "more than the token: where its tokens are sent as Bearer all the same, list the "
            + "type in bearer_token_types (`tokenvault app add --replace`)"
        if !isOfType, let cause = detail.cause {
            let fault = "the provider's answer names a token and cannot be used ("
            return KnownCause(
                fault + Self.words(cause) + "): "
                    + (isOfExchange && number > 0
                        ? "check reply_members in its definition; if that is right, see it at "
                            + "the provider; then run connect again"
                        : "it is kept, and a newer version may read it; " + Self.unreadWaysOut))
        }
        if isOfExchange, number > 0 {
            return KnownCause(
                isOfType
                    ? "\(type), then run connect again"
                    : "the provider's answer to the code is no token response: check "
                        + "token_endpoint, and reply_members and success_code in its "
                        + "definition, then run connect again")
        }
        if isOfType {
            return KnownCause(
                "\(type): the answer is kept and read then; else " + Self.unreadWaysOut)
        }
        guard number > 0 else { return nil }
        return KnownCause(
            "the provider answered with something that is no token response, such as a page or "
                + "half an answer: check token_endpoint; if that is right, the provider has "
                + "trouble: try later")
    }

    private var notRenewable: KnownCause? {
        switch detail.cause {
        case .minimumTooLong:
            let life = number > 0 ? "\(number) s" : "shorter"
            return KnownCause(
                "--min-ttl asks for more than the provider gives: its tokens live \(life): ask for "
                    + "less", .usage)
        case .refreshRefused where number > 0:
            let isOfDefinition = FailureNumber(status: number, detail).isOfDefinition
            return KnownCause(
                "the token has expired, and no other one comes: \(refusedRefresh.text)",
                isOfDefinition ? .misconfigured : nil)
        case .refreshRefused:
            return KnownCause(
                "the token has expired, and the provider refuses to renew it: run connect again; "
                    + "if every connection of the application is refused, see that at the provider")
        case .tokenRejected:
            return KnownCause(
                "the provider's API rejected the token, and nothing can renew it: run connect "
                    + "again; if the report was wrong, `tokenvault use` takes it back")
        case .noRefreshToken:
            return KnownCause(
                "there is no refresh token to renew the token with: run connect again, and ask for "
                    + "one (the scope offline_access, or authorization_parameters)")
        default: return nil
        }
    }
}
