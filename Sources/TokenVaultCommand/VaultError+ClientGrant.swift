// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say where a client asked for a token by itself.
extension VaultError {
    /// Nil where nobody did, or where what is said of a refresh holds.
    var clientGrantCause: KnownCause? {
        guard detail.subject == .clientCredentials else { return nil }
        let refused = refusedClient
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
