// SPDX-License-Identifier: Apache-2.0

/// What was discovered from an issuer: the documents of RFC 8414 and of OpenID Connect Discovery
/// 1.0, merged. `provider(named:isPublic:)` makes a definition of it.
public struct Discovery: Hashable, Sendable {
    /// The issuer as the documents write it, which is what `iss` has to be in a callback.
    public let issuer: String
    /// What the documents say.
    public let metadata: ServerMetadata
    /// When they were fetched.
    public let fetched: UnixTime
    /// Where the documents were, the one of RFC 8414 first.
    public let documents: [String]
    /// Places where there was no document, each with what was there instead.
    public let absences: [Absence]

    /// A place without a document.
    public struct Absence: Hashable, Sendable {
        /// Where a document could have been.
        public let url: String
        /// What was there instead, in words.
        public let reason: String

        package init(url: String, reason: String) { (self.url, self.reason) = (url, reason) }
    }

    package init(
        issuer: String, metadata: ServerMetadata, fetched: UnixTime, documents: [String],
        absences: [Absence]
    ) {
        self.issuer = issuer
        self.metadata = metadata
        self.fetched = fetched
        self.documents = documents
        self.absences = absences
    }
}

extension Discovery {
    /// A provider with what the documents say.
    ///
    /// - Parameters:
    ///   - name: what people call it; 1 to 64 bytes. Nil for the issuer's host.
    ///   - isPublic: whether the client has no secret.
    /// - Throws: what the vault cannot do with this server, and what would do.
    public func provider(
        named name: String? = nil, isPublic: Bool = false
    ) throws(DiscoveryError) -> DiscoveredProvider {
        try provider(
            named: name,
            authentication: isPublic ? Provider.ClientAuthentication.none : nil)
    }

    /// The same where somebody else may have said how the client authenticates.
    package func provider(
        named name: String? = nil, authentication: Provider.ClientAuthentication?
    ) throws(DiscoveryError) -> DiscoveredProvider {
        try DiscoveredProvider(self, name: name, authentication: authentication)
    }

    /// A provider with the required settings alone, for a definition to say the rest.
    package func skeleton(named name: String? = nil) throws(DiscoveryError) -> Provider {
        let host = issuer.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" }
        var provider = try Provider(
            name: name ?? String(host.prefix(Provider.nameBytesMax)),
            authorizationEndpoint: endpoint(.authorizationEndpoint),
            tokenEndpoint: endpoint(.tokenEndpoint))
        provider.issuer = issuer
        return provider
    }

    private func endpoint(_ member: ServerMetadata.Member) throws(DiscoveryError) -> String {
        if let text = metadata.text(member) { return text }
        throw unsupported(
            member, "is missing",
            "the vault needs it to connect people; if the provider has one, write a definition "
                + "(--provider)")
    }

    /// That the vault does not do what a member asks for.
    func unsupported(
        _ member: ServerMetadata.Member, _ problem: String, _ remedy: String
    ) -> DiscoveryError {
        let place = metadata.sources[member]?.first ?? documents.first ?? issuer
        return DiscoveryError(.unsupported, at: place, member, problem, remedy: remedy)
    }

    /// Scopes that the server does not list, though it lists some. Not every server lists all it
    /// has (RFC 8414 section 2), so this is for a warning.
    public func unlisted(_ scopes: [String]) -> [String] {
        guard let listed = metadata.list(.scopesSupported) else { return [] }
        return scopes.filter { !listed.contains($0) }
    }

    /// Checks that a definition does not contradict the documents: what both say is the same, with
    /// the values of variables filled in.
    ///
    /// - Throws: `contradiction`, with the setting's key as the member.
    package func check(
        _ provider: Provider, values: [String: String]
    ) throws(DiscoveryError) {
        let filled: Provider
        do throws(TemplateFault) {
            filled = try provider.filled(with: values)
        } catch {
            throw DiscoveryError(
                .contradiction, at: issuer, member: error.name,
                "is left open by the definition, and an issuer is one server",
                remedy: "give the value (--set NAME=VALUE), or leave out the issuer")
        }
        let pairs: [(ServerMetadata.Member, String?)] = [
            (.authorizationEndpoint, filled.authorizationEndpoint),
            (.tokenEndpoint, filled.tokenEndpoint),
            (.revocationEndpoint, filled.revocationEndpoint),
            (.deviceAuthorizationEndpoint, filled.deviceAuthorizationEndpoint),
        ]
        for (member, text) in pairs {
            guard let text, let published = metadata.text(member), text != published else {
                continue
            }
            throw contradiction(member.rawValue, "\"\(text)\"", "\"\(published)\"")
        }
        if filled.issuer != issuer {
            let given = filled.issuer.map { "\"\($0)\"" } ?? "none"
            throw contradiction("issuer", given, "\"\(issuer)\"")
        }
        if metadata.isTrue(.issParameterSupported), !filled.sendsIssuer {
            let member = ServerMetadata.Member.issParameterSupported
            throw contradiction(member.rawValue, "false", "true")
        }
    }

    private func contradiction(
        _ setting: String, _ given: String, _ published: String
    ) -> DiscoveryError {
        DiscoveryError(
            .contradiction, at: issuer, member: setting,
            "is \(given) in the definition, and the server says \(published)",
            remedy: "take it out of the definition, or leave out the issuer")
    }
}
