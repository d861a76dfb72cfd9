// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say where a client asked for a token by itself.
extension VaultError {
    /// Nil where nobody did, or where what is said of a refresh holds.
    var clientGrantCause: KnownCause? {
        let refused: KnownCause
        switch detail.subject {
        case .clientCredentials: refused = refusedClient
        // By what that signed.
        case .signingKey: refused = refusedAssertion
        default: return nil
        }
        return switch code {
        case .providerRefused: refused
        case .applicationMisconfigured
        where detail.cause == nil
            && (providerError == .unauthorizedClient || providerError == .unsupportedGrantType):
            refused
        case .notRefreshable where detail.cause == .refreshRefused:
            KnownCause(
                "the token has expired, and no other one comes: \(refused.text)", .misconfigured)
        case .answerLost where isOfExchange, .deadlineExceeded where isOfExchange:
            KnownCause(
                "the request was sent, and no answer came in time: nothing is lost by that; run "
                    + "connect again")
        default: nil
        }
    }

    private var refusedAssertion: KnownCause {
        switch providerError {
        case .invalidGrant, .consentRequired, .interactionRequired, .accessDenied:
            KnownCause(
                "the provider does not take the assertion: either the user (--subject), or an "
                    + "administrator, has not allowed the application there, or the public key "
                    + "(`tokenvault app key`) is not registered there, or this machine's clock is "
                    + "wrong, or iss and aud are not what it expects (client id, "
                    + "assertion_audience); then run `tokenvault connect --jwt-bearer` again")
        case .invalidScope:
            KnownCause(
                "the provider refuses the scopes: see which ones the user, or an administrator, "
                    + "has allowed the application, and run `tokenvault connect --jwt-bearer` "
                    + "again with those (--scope)")
        case .unauthorizedClient:
            KnownCause(
                "the provider does not let the application ask for tokens by an assertion: allow "
                    + "it JWT bearer there, for the scopes that it asks for")
        case .unsupportedGrantType:
            KnownCause(
                "the token endpoint does not know JWT bearer: check token_endpoint (`tokenvault "
                    + "app add --replace`)")
        default:
            KnownCause(
                unnamedRefusal
                    ?? "the provider refused to give the application a token for its assertion: "
                    + "check subject, scopes, assertion_claims and assertion_audience against the "
                    + "provider's documentation")
        }
    }

    private var refusedClient: KnownCause {
        switch providerError {
        case .invalidScope:
            KnownCause(
                "the provider refuses the scopes: see which ones the application may have by "
                    + "itself, and run `tokenvault connect --client-credentials` again with "
                    + "those (--scope)")
        case .unauthorizedClient:
            KnownCause(
                "the provider does not let the application ask for tokens by itself: allow it the "
                    + "grant type client_credentials there")
        case .unsupportedGrantType:
            KnownCause(
                "the token endpoint does not know the grant type: check token_endpoint and "
                    + "client_credentials_grant_type (`tokenvault app add --replace`)")
        case .invalidTarget:
            KnownCause(
                "the provider does not take the resource that is asked for: correct it among "
                    + "client_credentials_parameters")
        default:
            KnownCause(
                unnamedRefusal
                    ?? "the provider refused to give the application a token by itself: check its "
                    + "scopes and client_credentials_parameters (audience, resource, an account's "
                    + "id) against the provider's documentation, and client id and secret")
        }
    }
}
