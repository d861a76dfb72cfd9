// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import TokenVault

/// An application without its client secret, as JSON has it.
struct ApplicationForm: Codable, Sendable {
    var id: String
    var clientID: String
    var hasClientSecret: Bool
    var redirectURI: String
    var scopes: [String]
    var provider: ProviderForm

    enum CodingKeys: String, CodingKey {
        case id, scopes, provider
        case clientID = "client_id"
        case hasClientSecret = "has_client_secret"
        case redirectURI = "redirect_uri"
    }

    init(_ summary: Vault.ApplicationSummary) {
        id = summary.id.text
        clientID = summary.clientID
        hasClientSecret = summary.hasClientSecret
        redirectURI = summary.redirectURI
        scopes = summary.scopes
        provider = ProviderForm(summary.provider)
    }

    init(
        id: String, provider: Provider, clientID: String, hasClientSecret: Bool,
        redirectURI: String, scopes: [String]
    ) {
        self.id = id
        self.clientID = clientID
        self.hasClientSecret = hasClientSecret
        self.redirectURI = redirectURI
        self.scopes = scopes
        self.provider = ProviderForm(provider)
    }

    func application(clientSecret: consuming Secret?) throws -> Application {
        Application(
            id: try ApplicationID(id), provider: try provider.provider(), clientID: clientID,
            clientSecret: clientSecret, redirectURI: redirectURI, scopes: scopes)
    }
}

/// A provider as JSON has it: the keys of a provider definition.
struct ProviderForm: Codable, Sendable {
    var name: String
    var authorizationEndpoint: String
    var tokenEndpoint: String
    var revocationEndpoint: String?
    var issuer: String?
    var clientAuthentication: String
    var scopeSeparator: String
    var usesPKCE: Bool
    /// Pairs, because their order is kept.
    var authorizationParameters: [[String]]
    var tokenParameters: [[String]]
    var defaultLifetimeSeconds: Int64?
    var reuseGraceSeconds: Int64
    var refreshTokenIdleSeconds: Int64?
    var refreshTokenLifetimeSeconds: Int64?
    var refreshMarginSeconds: Int64?
    var concurrentRefreshesMax: Int
    var refreshesPerSecondMax: Int
    var grantLostErrors: [String]
    var accessTokensExpire: Bool
    /// Nil for the refresh token.
    var refreshGrant: ExchangeForm?

    enum CodingKeys: String, CodingKey {
        case name, issuer
        case authorizationEndpoint = "authorization_endpoint"
        case tokenEndpoint = "token_endpoint"
        case revocationEndpoint = "revocation_endpoint"
        case clientAuthentication = "client_authentication"
        case scopeSeparator = "scope_separator"
        case usesPKCE = "pkce"
        case authorizationParameters = "authorization_parameters"
        case tokenParameters = "token_parameters"
        case defaultLifetimeSeconds = "default_lifetime_seconds"
        case reuseGraceSeconds = "reuse_grace_seconds"
        case refreshTokenIdleSeconds = "refresh_token_idle_seconds"
        case refreshTokenLifetimeSeconds = "refresh_token_lifetime_seconds"
        case refreshMarginSeconds = "refresh_margin_seconds"
        case concurrentRefreshesMax = "concurrent_refreshes_max"
        case refreshesPerSecondMax = "refreshes_per_second_max"
        case grantLostErrors = "grant_lost_errors"
        case accessTokensExpire = "access_tokens_expire"
        case refreshGrant = "refresh_grant"
    }

    init(_ provider: Provider) {
        name = provider.name
        authorizationEndpoint = provider.authorizationEndpoint
        tokenEndpoint = provider.tokenEndpoint
        revocationEndpoint = provider.revocationEndpoint
        issuer = provider.issuer
        clientAuthentication = provider.clientAuthentication.name
        scopeSeparator = provider.scopeSeparator
        usesPKCE = provider.usesPKCE
        authorizationParameters = provider.authorizationParameters.map { [$0.name, $0.value] }
        tokenParameters = provider.tokenParameters.map { [$0.name, $0.value] }
        defaultLifetimeSeconds = provider.defaultLifetimeSeconds
        reuseGraceSeconds = provider.reuseGraceSeconds
        refreshTokenIdleSeconds = provider.refreshTokenIdleSeconds
        refreshTokenLifetimeSeconds = provider.refreshTokenLifetimeSeconds
        refreshMarginSeconds = provider.refreshMarginSeconds
        concurrentRefreshesMax = provider.concurrentRefreshesMax
        refreshesPerSecondMax = provider.refreshesPerSecondMax
        grantLostErrors = provider.grantLostErrors
        accessTokensExpire = provider.accessTokensExpire
        refreshGrant = ExchangeForm(provider.refreshGrant)
    }

    func provider() throws -> Provider {
        guard let method = Provider.ClientAuthentication(name: clientAuthentication) else {
            throw VaultError(.invalidArgument, .authorize)
        }
        var provider = Provider(
            name: name, authorizationEndpoint: authorizationEndpoint,
            tokenEndpoint: tokenEndpoint, revocationEndpoint: revocationEndpoint)
        provider.issuer = issuer
        provider.clientAuthentication = method
        provider.scopeSeparator = scopeSeparator
        provider.usesPKCE = usesPKCE
        provider.authorizationParameters = try Self.parameters(authorizationParameters)
        provider.tokenParameters = try Self.parameters(tokenParameters)
        provider.defaultLifetimeSeconds = defaultLifetimeSeconds
        provider.reuseGraceSeconds = reuseGraceSeconds
        provider.refreshTokenIdleSeconds = refreshTokenIdleSeconds
        provider.refreshTokenLifetimeSeconds = refreshTokenLifetimeSeconds
        provider.refreshMarginSeconds = refreshMarginSeconds
        provider.concurrentRefreshesMax = concurrentRefreshesMax
        provider.refreshesPerSecondMax = refreshesPerSecondMax
        provider.grantLostErrors = grantLostErrors
        provider.accessTokensExpire = accessTokensExpire
        if let refreshGrant {
            provider.refreshGrant = .exchange(
                grantType: refreshGrant.grantType, parameter: refreshGrant.parameter)
        }
        return provider
    }

    private static func parameters(_ pairs: [[String]]) throws -> [Provider.Parameter] {
        try pairs.map { pair in
            guard pair.count == 2 else { throw VaultError(.invalidArgument, .authorize) }
            return Provider.Parameter(pair[0], pair[1])
        }
    }
}

/// How an access token is exchanged, as JSON has it.
struct ExchangeForm: Codable, Sendable {
    var grantType: String
    var parameter: String

    enum CodingKeys: String, CodingKey {
        case parameter
        case grantType = "grant_type"
    }

    /// Nil where a refresh token is presented.
    init?(_ grant: Provider.RefreshGrant) {
        guard case .exchange(let grantType, let parameter) = grant else { return nil }
        (self.grantType, self.parameter) = (grantType, parameter)
    }
}
