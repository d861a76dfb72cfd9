// SPDX-License-Identifier: Apache-2.0

// The settings of what a provider wants to see in requests, beside what every one has.
extension ProviderSetting {
    static let requestVariants: [ProviderSetting] = [
        ProviderSetting(
            "exchange_parameters", 47, \.exchangeParameters,
            .parameters(valueBytesMax: Provider.tokenParameterValueBytesMax),
            "Added to the exchange of a code alone."),
        ProviderSetting(
            "refresh_parameters", 48, \.refreshParameters,
            .parameters(valueBytesMax: Provider.tokenParameterValueBytesMax),
            "Added to refreshes alone."),
        ProviderSetting(
            "request_body", 45, \.requestBody, .choice(["form": .form, "json": .json]),
            "How the body of token requests is written; json is one object, every value a string."),
        ProviderSetting(
            "refresh_endpoint", 46, optional: \.refreshEndpoint, .url,
            "Where refreshes go, where that is not the token endpoint."),
        ProviderSetting(
            "request_headers", 49, \.requestHeaders, .headers,
            "Header fields of token and revocation requests and of the look-up, such as Accept or "
                + "User-Agent; no secrets. What frames a message, authenticates or names the host "
                + "is refused."),
        ProviderSetting(
            "authorization_parameter_names", 50, \.authorizationParameterNames,
            .names(.authorization),
            "What parameters of the authorization request are called."),
        ProviderSetting(
            "token_parameter_names", 51, \.tokenParameterNames, .names(.token),
            "What parameters of token requests are called; those of client_id and client_secret "
                + "hold for revocations too."),
        ProviderSetting(
            "callback_parameter_names", 52, \.callbackParameterNames, .names(.callback),
            "What parameters of the callback are called."),
        ProviderSetting(
            "redirect_uri_on_refresh", 53, \.sendsRedirectURIOnRefresh, .flag,
            "Whether a refresh repeats the redirect URI."),
        ProviderSetting(
            "response_type", 57, \.responseType, .responseType,
            "What the authorization endpoint is asked for (RFC 6749 section 3.1.1)."),
        ProviderSetting(
            "nonce_parameter", 54, optional: \.nonceParameter, .parameterName,
            "The parameter of the authorization request that has a fresh random value."),
        ProviderSetting(
            "user_scope_parameter", 55, optional: \.userScopeParameter, .parameterName,
            "The parameter of the authorization request that has the scopes of the user, where "
                + "those of the application go by themselves: Slack's user_scope."),
        ProviderSetting(
            "refresh_scopes", 56, \.refreshScopes,
            .list(of: .scope, countMax: Provider.refreshScopesMax),
            "Scopes that are always asked for, since there is no refresh token without them."),
    ]
}
