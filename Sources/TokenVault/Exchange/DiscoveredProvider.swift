// SPDX-License-Identifier: Apache-2.0

/// A provider that was made of what its server publishes, and why its settings are what they are.
public struct DiscoveredProvider: Hashable, Sendable {
    /// The provider. Settings that no document speaks of have their defaults.
    public private(set) var provider: Provider
    /// What the documents gave, in the order in which it was looked at.
    public private(set) var settings: [Setting] = []
    /// What a person should know, a sentence each.
    public private(set) var warnings: [String] = []
    private let discovery: Discovery

    /// A setting that follows the documents.
    public struct Setting: Hashable, Sendable {
        /// Its key.
        public let key: String
        /// Where its value comes from, in words.
        public let origin: String
    }

    /// What is kept beside an application with this provider: `Application.discovery`.
    public var record: DiscoveryRecord { record(without: []) }

    /// The same where these settings were given otherwise.
    package func record(without given: Set<String>) -> DiscoveryRecord {
        DiscoveryRecord(
            fetched: discovery.fetched, documents: discovery.documents,
            settings: settings.map(\.key).filter { !given.contains($0) })
    }

    /// Another provider with what is discovered, but for the settings that were given otherwise.
    package func completing(_ other: Provider, without given: Set<String>) -> Provider {
        var provider = other
        for setting in settings where !given.contains(setting.key) {
            ProviderSetting[setting.key]?.copy(self.provider, &provider)
        }
        return provider
    }

    /// - Parameter authentication: how the client authenticates, where that is settled; a public
    ///   client by `none`.
    init(
        _ discovery: Discovery, name: String?, authentication: Provider.ClientAuthentication?
    ) throws(DiscoveryError) {
        self.discovery = discovery
        provider = try discovery.skeleton(named: name)
        let metadata = discovery.metadata
        provider.revocationEndpoint = metadata.text(.revocationEndpoint)
        provider.sendsIssuer = metadata.isTrue(.issParameterSupported)
        provider.deviceAuthorizationEndpoint = metadata.text(.deviceAuthorizationEndpoint)
        for member in [
            .issuer, .authorizationEndpoint, .tokenEndpoint, .revocationEndpoint,
            .deviceAuthorizationEndpoint, .issParameterSupported,
        ] as [ServerMetadata.Member] {
            note(member.rawValue, member)
        }
        try checkFlow()
        try chooseAuthentication(authentication)
        chooseRevocation()
        choosePKCE()
        chooseScopes()
        do throws(SettingError) {
            try provider.check()
        } catch {
            throw DiscoveryError(
                .unreadable, at: discovery.issuer, member: error.setting,
                "\(error.value) is not usable",
                remedy: "wanted: \(error.wanted)")
        }
        for absence in discovery.absences {
            warnings.append("\(absence.url) \(absence.reason): only the other document is used")
        }
    }

    /// - Parameter otherwise: where the value comes from if no document has the member.
    private mutating func note(
        _ key: String, _ member: ServerMetadata.Member, otherwise: String = "no document says so"
    ) {
        let places = discovery.metadata.sources[member]?.joined(separator: " and ")
        let prefix = key == member.rawValue ? "" : "\(member.rawValue) of "
        settings.append(Setting(key: key, origin: places.map { prefix + $0 } ?? otherwise))
    }

    /// Whether the authorization code flow is there at all.
    private mutating func checkFlow() throws(DiscoveryError) {
        let metadata = discovery.metadata
        if metadata.isTrue(.requirePushedAuthorizationRequests) {
            throw discovery.unsupported(
                .requirePushedAuthorizationRequests,
                "is true: the server takes pushed authorization requests (RFC 9126) only, which "
                    + "the vault does not send",
                "ask the provider to allow the client requests that are not pushed, and then "
                    + "write a definition (--provider)")
        }
        if let types = metadata.list(.responseTypesSupported), !types.contains("code") {
            throw discovery.unsupported(
                .responseTypesSupported, "lacks code",
                "the server has no authorization code flow, and the vault needs it")
        }
        if let modes = metadata.list(.responseModesSupported), !modes.contains("query") {
            // Slack's says so, and its callbacks have a query all the same.
            warnings.append(
                "response_modes_supported lacks query: the vault reads callbacks from the query "
                    + "of the callback URL, and nowhere else")
        }
        guard let grants = metadata.list(.grantTypesSupported) else { return }
        if !grants.contains("authorization_code") {
            warnings.append("grant_types_supported lacks authorization_code: connecting may fail")
        }
        if !grants.contains("refresh_token") {
            warnings.append(
                "grant_types_supported lacks refresh_token: connections may end with their first "
                    + "access token")
        }
    }

    /// Without a list it is RFC 8414's default, client_secret_basic.
    private mutating func chooseAuthentication(
        _ settled: Provider.ClientAuthentication?
    ) throws(DiscoveryError) {
        let member = ServerMetadata.Member.tokenEndpointAuthMethodsSupported
        note("client_authentication", member, otherwise: "RFC 8414's default, no document says so")
        let listed = discovery.metadata.list(member)
        if let settled {
            provider.clientAuthentication = settled
            if let listed, let method = settled.registered, !listed.contains(method) {
                warnings.append(
                    "\(member.rawValue) lacks \(method): the server may refuse the client")
            }
            return
        }
        guard let listed else { return }
        if listed.contains("client_secret_basic") {
            provider.clientAuthentication = .basic
        } else if listed.contains("client_secret_post") {
            provider.clientAuthentication = .post
        } else {
            throw discovery.unsupported(
                member,
                "has \(listed.joined(separator: ", ")), and the vault authenticates with a "
                    + "client secret or a signing key",
                listed.contains("none")
                    ? "register a public client, and say so (--public)"
                    : (listed.contains("private_key_jwt") ? "give --signing-key-file; " : "")
                        + "if the server takes a client secret all the same, write a definition "
                        + "(--provider)")
        }
    }

    /// Where the revocation endpoint wants another way than the token endpoint. Without a list the
    /// same is taken: RFC 8414 would have client_secret_basic, and servers mean the same.
    private mutating func chooseRevocation() {
        let member = ServerMetadata.Member.revocationEndpointAuthMethodsSupported
        note("revocation", member, otherwise: "as at the token endpoint, no document says so")
        guard provider.revocationEndpoint != nil,
            let listed = discovery.metadata.list(member),
            let own = provider.clientAuthentication.registered, !listed.contains(own)
        else { return }
        var way = Provider.RevocationRequest()
        if provider.clientAuthentication != .none, listed.contains("client_secret_basic") {
            way.authentication = .basic
        } else if provider.clientAuthentication != .none, listed.contains("client_secret_post") {
            way.authentication = .post
        } else {
            warnings.append(
                "\(member.rawValue) has \(listed.joined(separator: ", ")), and the client "
                    + "authenticates by \(own): revocations may be refused")
            return
        }
        provider.revocation = way
    }

    /// PKCE is used where nothing is said: servers that do not know it pass it over, and several
    /// that do know it do not list it.
    private mutating func choosePKCE() {
        let member = ServerMetadata.Member.codeChallengeMethodsSupported
        note("pkce", member, otherwise: "used where no document says so")
        guard let methods = discovery.metadata.list(member), !methods.contains("S256") else {
            return
        }
        provider.usesPKCE = false
        warnings.append(
            "\(member.rawValue) lacks S256: connections are made without PKCE, so that a code "
                + "that is stolen can be used")
    }

    /// OpenID Connect Core section 11: without it a server need not give a refresh token.
    private mutating func chooseScopes() {
        note("refresh_scopes", .scopesSupported, otherwise: "no document lists scopes")
        guard discovery.metadata.list(.scopesSupported)?.contains(Self.offlineAccess) == true
        else { return }
        provider.refreshScopes = [Self.offlineAccess]
    }

    private static let offlineAccess = "offline_access"
}

extension Provider.ClientAuthentication {
    /// Its name in the registry of RFC 8414 section 7.2; nil where it has none.
    fileprivate var registered: String? {
        switch self {
        case .basic, .basicRaw: "client_secret_basic"
        case .post: "client_secret_post"
        case .none: "none"
        case .privateKeyJWT: "private_key_jwt"
        default: nil
        }
    }
}
