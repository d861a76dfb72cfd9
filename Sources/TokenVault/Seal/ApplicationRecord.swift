// SPDX-License-Identifier: Apache-2.0

/// An application as it lies in the store, to and from its fields.
enum ApplicationRecord {
    static func encode(_ application: borrowing Application) throws(VaultError) -> Secret {
        let provider = application.provider
        var fields = try Fields()
        try fields.set(ApplicationTag.id, text: application.id.text)
        try fields.set(ApplicationTag.providerName, text: provider.name)
        try fields.set(
            ApplicationTag.authorizationEndpoint, text: provider.authorizationEndpoint)
        try fields.set(ApplicationTag.tokenEndpoint, text: provider.tokenEndpoint)
        try fields.set(ApplicationTag.revocationEndpoint, text: provider.revocationEndpoint)
        try fields.set(ApplicationTag.issuer, text: provider.issuer)
        try fields.set(
            ApplicationTag.clientAuthentication, integer: provider.clientAuthentication.rawValue)
        try fields.set(ApplicationTag.scopeSeparator, text: provider.scopeSeparator)
        try fields.set(ApplicationTag.usesPKCE, integer: UInt8(provider.usesPKCE ? 1 : 0))
        try fields.set(
            ApplicationTag.authorizationParameter,
            pairs: provider.authorizationParameters.map { ($0.name, $0.value) })
        try fields.set(
            ApplicationTag.tokenParameter,
            pairs: provider.tokenParameters.map { ($0.name, $0.value) })
        try fields.set(
            ApplicationTag.providerLifetime, integer: provider.defaultLifetimeSeconds)
        try fields.set(ApplicationTag.reuseGrace, integer: provider.reuseGraceSeconds)
        try fields.set(ApplicationTag.clientID, text: application.clientID)
        switch application.clientSecret {
        case .none: break
        case .some(let secret): try fields.set(ApplicationTag.clientSecret, secret.bytes)
        }
        try fields.set(ApplicationTag.redirectURI, text: application.redirectURI)
        try fields.set(ApplicationTag.scope, texts: application.scopes)
        try fields.set(
            ApplicationTag.applicationLifetime, integer: application.defaultLifetimeSeconds)
        try setRefreshing(provider, &fields)
        return try fields.secret.copy()
    }

    /// What stands in no field has its default.
    private static func setRefreshing(
        _ provider: Provider, _ fields: inout Fields
    ) throws(VaultError) {
        try fields.set(ApplicationTag.refreshTokenIdle, integer: provider.refreshTokenIdleSeconds)
        try fields.set(
            ApplicationTag.refreshTokenLifetime, integer: provider.refreshTokenLifetimeSeconds)
        try fields.set(ApplicationTag.refreshMargin, integer: provider.refreshMarginSeconds)
        try fields.set(
            ApplicationTag.concurrentRefreshesMax,
            integer: UInt32(clamping: provider.concurrentRefreshesMax))
        try fields.set(
            ApplicationTag.refreshesPerSecondMax,
            integer: UInt32(clamping: provider.refreshesPerSecondMax))
        try fields.set(ApplicationTag.grantLostError, texts: provider.grantLostErrors)
        try fields.set(
            ApplicationTag.accessTokensExpire, integer: UInt8(provider.accessTokensExpire ? 1 : 0))
        if case .exchange(let grantType, let parameter) = provider.refreshGrant {
            try fields.set(ApplicationTag.exchange, pairs: [(grantType, parameter)])
        }
        try fields.set(ApplicationTag.rotation, integer: provider.rotation.rawValue)
        try fields.set(ApplicationTag.listen, integer: provider.listenSeconds)
        try fields.set(ApplicationTag.bearerTokenType, texts: provider.bearerTokenTypes)
        try fields.set(
            ApplicationTag.grantLostAnswer,
            pairs: provider.grantLostAnswers.map { ("\($0.status)", $0.error ?? "") })
        try fields.set(
            ApplicationTag.revokesReplacedGrant,
            integer: UInt8(provider.revokesReplacedGrant ? 1 : 0))
    }

    private static func readRefreshing(_ fields: borrowing Fields, _ provider: inout Provider) {
        provider.refreshTokenIdleSeconds = fields.integer(ApplicationTag.refreshTokenIdle)
        provider.refreshTokenLifetimeSeconds = fields.integer(ApplicationTag.refreshTokenLifetime)
        provider.refreshMarginSeconds = fields.integer(ApplicationTag.refreshMargin)
        if let count = fields.integer(ApplicationTag.concurrentRefreshesMax, as: UInt32.self) {
            provider.concurrentRefreshesMax = Int(count)
        }
        if let count = fields.integer(ApplicationTag.refreshesPerSecondMax, as: UInt32.self) {
            provider.refreshesPerSecondMax = Int(count)
        }
        provider.grantLostErrors = fields.texts(ApplicationTag.grantLostError)
        provider.accessTokensExpire =
            fields.integer(ApplicationTag.accessTokensExpire, as: UInt8.self) != 0
        if let exchange = fields.pairs(ApplicationTag.exchange).first {
            provider.refreshGrant = .exchange(grantType: exchange.name, parameter: exchange.value)
        }
        if let rotation = fields.integer(ApplicationTag.rotation)
            .flatMap(Provider.Rotation.init(rawValue:))
        {
            provider.rotation = rotation
        }
        provider.listenSeconds =
            fields.integer(ApplicationTag.listen) ?? Provider.listenSecondsDefault
        provider.bearerTokenTypes = fields.texts(ApplicationTag.bearerTokenType)
        provider.grantLostAnswers = fields.pairs(ApplicationTag.grantLostAnswer).compactMap {
            pair in
            Int(pair.name).map {
                Provider.GrantLostAnswer(status: $0, error: pair.value.isEmpty ? nil : pair.value)
            }
        }
        provider.revokesReplacedGrant =
            fields.integer(ApplicationTag.revokesReplacedGrant, as: UInt8.self) == 1
    }

    static func decode(_ fields: borrowing Fields) throws(VaultError) -> Application {
        guard let idText = fields.text(ApplicationTag.id),
            let authorization = fields.text(ApplicationTag.authorizationEndpoint),
            let token = fields.text(ApplicationTag.tokenEndpoint),
            let clientID = fields.text(ApplicationTag.clientID),
            let redirectURI = fields.text(ApplicationTag.redirectURI),
            let authentication = fields.integer(ApplicationTag.clientAuthentication)
                .flatMap(Provider.ClientAuthentication.init(rawValue:))
        else { throw VaultError(.recordDamaged, .seal) }
        var provider = Provider(
            name: fields.text(ApplicationTag.providerName) ?? "",
            authorizationEndpoint: authorization, tokenEndpoint: token,
            revocationEndpoint: fields.text(ApplicationTag.revocationEndpoint))
        provider.issuer = fields.text(ApplicationTag.issuer)
        provider.clientAuthentication = authentication
        provider.scopeSeparator = fields.text(ApplicationTag.scopeSeparator) ?? " "
        provider.usesPKCE = fields.integer(ApplicationTag.usesPKCE, as: UInt8.self) != 0
        provider.authorizationParameters = fields.pairs(ApplicationTag.authorizationParameter)
            .map { Provider.Parameter($0.name, $0.value) }
        provider.tokenParameters = fields.pairs(ApplicationTag.tokenParameter)
            .map { Provider.Parameter($0.name, $0.value) }
        provider.defaultLifetimeSeconds = fields.integer(ApplicationTag.providerLifetime)
        provider.reuseGraceSeconds = fields.integer(ApplicationTag.reuseGrace) ?? 0
        readRefreshing(fields, &provider)
        return Application(
            id: try ApplicationID(idText), provider: provider, clientID: clientID,
            clientSecret: try fields.secret(ApplicationTag.clientSecret),
            redirectURI: redirectURI, scopes: fields.texts(ApplicationTag.scope),
            defaultLifetimeSeconds: fields.integer(ApplicationTag.applicationLifetime))
    }
}
