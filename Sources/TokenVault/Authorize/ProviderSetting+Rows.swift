// SPDX-License-Identifier: Apache-2.0

// The settings. A new one is a row here and a property of `Provider` with its default.

extension ProviderSetting {
    static let revocationEndpoint = ProviderSetting(
        "revocation_endpoint", 5, optional: \.revocationEndpoint, .url,
        "Where tokens are revoked (RFC 7009).")

    static let endpoints: [ProviderSetting] = [
        ProviderSetting(
            "name", 2, \.name, .text(byteCountMax: Provider.nameBytesMax), required: true,
            "A short name for people."),
        ProviderSetting(
            "authorization_endpoint", 3, optional: \.authorizationEndpointIfAny, .url,
            "Where the user's browser is sent (RFC 6749 section 3.1); left out only where "
                + "client_credentials_grant_type or assertion_claims say that nobody is."),
        ProviderSetting(
            "token_endpoint", 4, \.tokenEndpoint, .url, required: true,
            "Where codes and refresh tokens are exchanged (RFC 6749 section 3.2)."),
        revocationEndpoint,
        ProviderSetting(
            "issuer", 6, optional: \.issuer, .text(byteCountMax: Provider.endpointBytesMax),
            "What iss in the callback must be, exactly, where the provider sends it (RFC 9207)."),
        ProviderSetting(
            "authorization_response_iss_parameter_supported", 32, \.sendsIssuer, .flag,
            "Whether a callback without iss is refused, as the provider's metadata says under this "
                + "name (RFC 9207 section 3)."),
    ]

    static let requests: [ProviderSetting] = [
        ProviderSetting(
            "client_authentication", 7, \.clientAuthentication,
            .choice([
                "basic": .basic, "basic_raw": .basicRaw, "post": .post, "none": .none,
                "secret_as_user": .secretAsUser, "bearer": .bearer,
                "private_key_jwt": .privateKeyJWT,
            ]),
            "How the client authenticates (RFC 6749 section 2.3.1); basic_raw does not encode id "
                + "and secret first, none is a public client, secret_as_user is Basic with the "
                + "secret as the user and an empty password, bearer sends the secret as a bearer "
                + "token, private_key_jwt signs each request with a private key (RFC 7523)."),
        ProviderSetting(
            "assertion_audience", 70, optional: \.assertionAudience,
            .text(byteCountMax: Provider.endpointBytesMax),
            "What aud is in what the client signs (private_key_jwt, assertion_claims), with "
                + "variables in braces; without it the issuer, and where there is none the token "
                + "endpoint."),
        ProviderSetting(
            "scope_separator", 8, \.scopeSeparator,
            .text(byteCountMax: Provider.scopeSeparatorBytesMax),
            "What stands between the scopes in a request."),
        ProviderSetting(
            "pkce", 9, \.usesPKCE, .flag,
            "Whether PKCE S256 (RFC 7636) is used; false only for servers that refuse it."),
        ProviderSetting(
            "authorization_parameters", 10, \.authorizationParameters,
            .parameters(valueBytesMax: Provider.authorizationParameterValueBytesMax),
            "Added to the authorization request."),
        ProviderSetting(
            "token_parameters", 11, \.tokenParameters,
            .parameters(valueBytesMax: Provider.tokenParameterValueBytesMax),
            "Added to every token request."),
    ]

    static let accessTokens: [ProviderSetting] = [
        ProviderSetting(
            "default_lifetime_seconds", 12, optional: \.defaultLifetimeSeconds, .seconds(),
            "The access token's lifetime where replies lack expires_in; an hour is assumed unless "
                + "access_tokens_expire is false."),
        ProviderSetting(
            "access_tokens_expire", 25, \.accessTokensExpire, .flag,
            "Whether an access token expires although neither the reply nor a default says when; "
                + "false for GitHub's OAuth apps and for Slack without rotation."),
        ProviderSetting(
            "refresh_margin_seconds", 21, optional: \.refreshMarginSeconds,
            .seconds(Provider.refreshMarginSecondsRange),
            "How long before its expiry an access token may be refreshed; without it 300, or a "
                + "quarter of the lifetime where that is less."),
        ProviderSetting(
            "bearer_token_types", 29, \.bearerTokenTypes,
            .list(of: .bearerTokenType, countMax: Provider.bearerTokenTypesMax),
            "Other token_types than Bearer whose tokens are sent as bearer tokens all the same; "
                + "compared without regard to case. No other is taken when somebody connects; at "
                + "a refresh each is but mac, pop, dpop and n_a, which need more than the token."),
    ]

    static let refreshTokens: [ProviderSetting] = [
        ProviderSetting(
            "refresh_grant", 26, \.refreshGrant, .refreshGrant,
            "What is presented for new tokens: the refresh token, or the access token itself where "
                + "there are no refresh tokens."),
        ProviderSetting(
            "rotation", 27, \.rotation,
            .choice(["never": .never, "always": .always, "sometimes": .sometimes]),
            "Whether a refresh replaces the refresh token; where it may, and the old one is not "
                + "taken for a while (reuse_grace_seconds), the answer is waited for as long as it "
                + "can come."),
        ProviderSetting(
            "reuse_grace_seconds", 13, \.reuseGraceSeconds, .seconds(),
            "How long the provider still takes a refresh token that it has replaced."),
        ProviderSetting(
            "listen_seconds", 28, \.listenSeconds, .seconds(Provider.listenSecondsRange),
            "How long the answer to a refresh is waited for where it may hold the only refresh "
                + "token that still works."),
        ProviderSetting(
            "refresh_token_idle_seconds", 19, optional: \.refreshTokenIdleSeconds,
            .seconds(Provider.refreshTokenSecondsRange),
            "How long a refresh token lives unused; it is used once in half of that."),
        ProviderSetting(
            "refresh_token_lifetime_seconds", 20, optional: \.refreshTokenLifetimeSeconds,
            .seconds(Provider.refreshTokenSecondsRange),
            "How long a connection lives from the user's consent on, whatever is refreshed."),
        ProviderSetting(
            "revokes_replaced_grant", 31, \.revokesReplacedGrant, .flag,
            "Whether connecting again revokes the tokens before; true only where each "
                + "authorization has a grant of its own."),
    ]

    static let answers: [ProviderSetting] = [
        ProviderSetting(
            "grant_lost_errors", 24, \.grantLostErrors,
            .list(of: .grantLostError, countMax: Provider.grantLostErrorsMax),
            "The error codes, beside invalid_grant, by which the provider says that a grant is "
                + "gone."),
        ProviderSetting(
            "grant_lost_answers", 30, \.grantLostAnswers,
            .list(of: .grantLostAnswer, countMax: Provider.grantLostAnswersMax),
            "The answers, by status and error, by which the provider says that a grant is gone but "
                + "which may also mean a wrong client secret."),
    ]

    static let limits: [ProviderSetting] = [
        ProviderSetting(
            "concurrent_refreshes_max", 22, \.concurrentRefreshesMax,
            .count(Provider.concurrentRefreshesRange),
            "The most refreshes in flight at the token endpoint."),
        ProviderSetting(
            "refreshes_per_second_max", 23, \.refreshesPerSecondMax,
            .count(Provider.refreshesPerSecondRange),
            "The most refreshes that leave for the token endpoint within a second."),
    ]
}
