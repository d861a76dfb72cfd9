// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// An application without its client secret and its private key, as JSON has it.
struct ApplicationForm: Codable, Sendable {
    var id: String
    var clientID: String
    var hasClientSecret: Bool
    /// Nil where it has no key.
    var signingKey: SigningKeyForm?
    var redirectURI: String
    var scopes: [String]
    /// Nil where there are none.
    var userScopes: [String]?
    var provider: ProviderForm
    /// Values of the provider's variables.
    var values: [String: String]?
    /// Where the provider comes from, if it was discovered.
    var discovery: DiscoveryRecordForm?
    /// Whether a connection is never connected again with another account; nil where it is not so.
    var refusesOtherAccount: Bool?

    enum CodingKeys: String, CodingKey {
        case id, scopes, provider, values, discovery
        case clientID = "client_id"
        case hasClientSecret = "has_client_secret"
        case signingKey = "signing_key"
        case redirectURI = "redirect_uri"
        case userScopes = "user_scopes"
        case refusesOtherAccount = "refuses_other_account"
    }

    init(_ summary: Vault.ApplicationSummary) {
        id = summary.id.text
        clientID = summary.clientID
        hasClientSecret = summary.hasClientSecret
        signingKey = summary.signingKey.map { SigningKeyForm($0) }
        redirectURI = summary.redirectURI
        scopes = summary.scopes
        userScopes = summary.userScopes.isEmpty ? nil : summary.userScopes
        provider = ProviderForm(summary.provider)
        values = summary.values.isEmpty ? nil : summary.values
        discovery = summary.discovery.map(DiscoveryRecordForm.init)
        refusesOtherAccount = summary.refusesOtherAccount ? true : nil
    }

    init(
        id: String, provider: Provider, clientID: String, hasClientSecret: Bool,
        redirectURI: String, scopes: [String], userScopes: [String], values: [String: String]
    ) {
        self.id = id
        self.clientID = clientID
        self.hasClientSecret = hasClientSecret
        self.redirectURI = redirectURI
        self.scopes = scopes
        self.userScopes = userScopes.isEmpty ? nil : userScopes
        self.provider = ProviderForm(provider)
        self.values = values.isEmpty ? nil : values
    }

    /// - Parameter secret: what travels beside it.
    func application(_ secret: consuming Secret?) throws -> Application {
        var secret = secret
        let key: SigningKey?
        if let signingKey { key = try signingKey.takeKey(from: &secret) } else { key = nil }
        return Application(
            id: try ApplicationID(id), provider: provider.provider, clientID: clientID,
            clientSecret: secret, signingKey: key, redirectURI: redirectURI, scopes: scopes,
            userScopes: userScopes ?? [], values: values ?? [:], discovery: discovery?.record,
            refusesOtherAccount: refusesOtherAccount ?? false)
    }
}
