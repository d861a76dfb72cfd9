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
    var knownCause: KnownCause? {
        switch code {
        case .providerRefused: isOfExchange ? refusedCode : refusedRefresh
        case .applicationMisconfigured: rejection
        case .authorizationRefused: refusedAuthorization
        case .endpointRefused: refusedEndpoint
        case .providerAnswerUnreadable: unreadableAnswer
        case .notRefreshable: notRenewable
        case .providerBusy: busy
        case .providerUnreachable: unreachable
        case .applicationNotFound where connection != nil:
            KnownCause(
                "the application that it was connected through is not there any more: add it "
                    + "again (`tokenvault app add`), or disconnect it")
        case .backingOff: KnownCause(Self.backingOffText + (number > 0 ? moment : "try later"))
        case .certificateFileUnusable: certificateFile
        case .wrongRootKey: wrongKey
        case .rootKeyUnusable: unusableKey
        case .unsafeDirectory: unsafeFile
        case .vaultIncomplete: missingFile
        case .databaseDamaged: lostDatabase
        case .callbackRejected: rejectedCallback
        case .issuerMismatch: issuer
        case .invalidArgument, .limitExceeded: argument
        case .storageFailed: storage
        case .integrityFailed where number < 0: KnownCause(Self.noDatabaseText)
        default: nil
        }
    }

    /// Whether it is the exchange of a code that failed: later, refreshes do.
    private var isOfExchange: Bool { stage == .vault }

    private static let backingOffText =
        "nothing was sent: the provider failed before, or asked for a pause, and is left alone: "

    /// When a pause is over.
    private var moment: String {
        let end = SystemTime().now().adding(milliseconds: Int64(number) * 1000)
        return "not before \(end.timeOfDay)"
    }

    private var busy: KnownCause {
        let what =
            number == 429
            ? "the provider answered that it was asked too often"
            : "the provider answered that it is busy, or has a fault of its own"
        return KnownCause(
            "\(what): \(retryTime.map { "not before \($0.timeOfDay)" } ?? "try later")")
    }

    private var unreachable: KnownCause? {
        switch number {
        case 6:
            KnownCause(
                "the endpoint's host name does not resolve: correct it (`tokenvault app add "
                    + "--replace`), or check this machine's name service")
        case 7:
            KnownCause(
                "nothing answers at the endpoint's address and port: correct them, check the "
                    + "network, or try later")
        case 35:
            KnownCause(
                "what answers at the endpoint's address and port speaks no TLS: correct the port, "
                    + "or see whether a proxy is in the way")
        default: nil
        }
    }

    // MARK: Answers of the provider

    private static let wrongEndpoint =
        "correct token_endpoint in the provider's definition (`tokenvault app add --replace`)"

    /// What a status says that comes without an `error`, to whatever was asked.
    private var unnamedRefusal: String? {
        switch number {
        case 300..<400:
            "the token endpoint redirects, and no redirect is followed: use the address that it "
                + "leads to; " + Self.wrongEndpoint
        case 404, 405, 410:
            "there is no token endpoint at the address that was asked: " + Self.wrongEndpoint
        case 403:
            "the token endpoint, or a gateway in front of it, forbids the request: check at the "
                + "provider whether the application and this machine's address are allowed"
        default: nil
        }
    }

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
            isOfExchange || number > 0
                ? nil
                : KnownCause(
                    "nothing was sent, for the provider has rejected the application, and another "
                        + "connection's log says how: correct its client id, its secret or the "
                        + "way they are sent with `tokenvault app add --replace`")
        }
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

    private var unreadableAnswer: KnownCause? {
        let isOfType = detail.cause == .tokenTypeNotTaken
        let type =
            "the provider answered with a token type that the vault does not know, or that needs "
            + "more than the token: where its tokens are sent as Bearer all the same, list the "
            + "type in bearer_token_types (`tokenvault app add --replace`)"
        if isOfExchange, number > 0 {
            return KnownCause(
                isOfType
                    ? "\(type), then run connect again"
                    : "the provider's answer to the code is no token response: check "
                        + "token_endpoint, then run connect again")
        }
        if isOfType {
            return KnownCause(
                "\(type): the answer is kept and read then; `tokenvault retry ID` would present "
                    + "the old token again")
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
        case .refreshRefused:
            return KnownCause(
                "the token has expired, and the provider refuses to renew it: run connect again; "
                    + "if every connection of the application is refused, see that at the provider")
        case .noRefreshToken:
            return KnownCause(
                "there is no refresh token to renew the token with: run connect again, and ask for "
                    + "one (the scope offline_access, or authorization_parameters)")
        default: return nil
        }
    }
}
