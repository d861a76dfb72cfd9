// SPDX-License-Identifier: Apache-2.0

extension TokenRequest {
    /// Asks for a token with an assertion that the application signs (RFC 7523 section 2.1), made
    /// for this one request. A client that does not authenticate beside it is not named: `iss` says
    /// who it is (RFC 7521 section 4.1).
    ///
    /// - Parameters:
    ///   - subject: whose token it is to be; nil where the assertion names nobody.
    ///   - scope: as of `clientCredentials`; it goes in a claim instead of its parameter where the
    ///     definition says so.
    ///   - credentials: those of the application, made for an exchange.
    /// - Throws: `invalidArgument`, with the cause `valueMissing` where a claim of the definition
    ///   names a variable that has no value, about the signing key where there is none, and about
    ///   a setting where the definition knows no such grant.
    package static func jwtBearer(
        subject: String?, scope: String?, for application: borrowing Application,
        by credentials: ClientCredentials, clock: any TimeSource = SystemTime()
    ) throws(VaultError) -> TokenRequest {
        let provider = application.provider
        let claims = try AssertionMaker.Claims(application, subject: subject, scope: scope)
        let maker = try AssertionMaker(claims, isGrant: true, application, clock)
        let signed = try maker.signed()
        let wanted = provider.hasScopeClaim || provider.addsScope ? nil : scope
        var place = 0
        var request = try filled(for: application, by: credentials, isNamed: false) { form in
            form.add(
                provider.tokenParameterNames["grant_type"], text: Provider.jwtBearerGrantType)
            place = form.add(Provider.assertionParameter, assertion: signed.text.bytes)
            if let wanted { form.add("scope", text: wanted) }
        } _: { form in
            form.add(provider.tokenParameters)
        }
        request.assertions.append(signed.placed(at: place, by: maker))
        return request
    }
}

extension AssertionMaker.Claims {
    /// What an application says in the assertions that it asks for a connection's tokens with.
    fileprivate init(
        _ application: borrowing Application, subject: String?, scope: String?
    ) throws(VaultError) {
        let provider = application.provider
        guard let claims = provider.assertionClaims else {
            throw VaultError(
                .invalidArgument, .exchange, detail: FailureDetail(subject: .setting))
        }
        var values = provider.allValues(application.values)
        values["client_id"] = application.clientID
        values["scope"] = scope
        self.init(
            issuer: application.clientID, subject: subject,
            audience: provider.audienceOfAssertions)
        for claim in claims {
            // Where nothing is asked for it is left out, as the parameter is.
            if scope == nil, Template.names(claim.value)?.contains("scope") ?? false { continue }
            guard let value = Template.filled(claim.value, values, in: .plain) else {
                throw VaultError(.invalidArgument, .exchange, .valueMissing, .variable)
            }
            if claim.name == "iss" {
                issuer = value
            } else {
                others.append(Provider.Parameter(claim.name, value))
            }
        }
    }
}
