// SPDX-License-Identifier: Apache-2.0

/// What is sent to a token or a revocation endpoint: a form, or JSON, and who the client is. All of
/// it in secrets, which whoever holds it wipes.
///
/// Every maker throws `invalidArgument` where the application or an argument breaks a documented
/// form, `limitExceeded` past a named limit and where the form outgrows a secret, and
/// `tooManySecrets`. Nothing is sent here.
package struct TokenRequest: ~Copyable, Sendable {
    /// Whose request it is.
    package let credentials: ClientCredentials
    /// The form, or JSON.
    package var body: Secret
    /// What it is where it is no POST of a form.
    package var head: TransportRequest.Head?
    /// What the client has signed for it.
    var assertions: [AssertionMaker.Placed] = []

    /// The longest authorization code, in bytes.
    package static let codeBytesMax = 4096
    /// How long a PKCE code verifier may be, in bytes (RFC 7636 section 4.1).
    package static let codeVerifierBytes = 43...128
    /// The longest name and value of an added parameter, in bytes.
    package static let parameterNameBytesMax = Provider.parameterNameBytesMax
    package static let parameterValueBytesMax = Provider.tokenParameterValueBytesMax

    /// Which token a revocation is about (RFC 7009 section 2.1).
    package enum Hint: Sendable {
        case accessToken, refreshToken

        var text: String { self == .accessToken ? "access_token" : "refresh_token" }
    }

    /// Exchanges an authorization code for tokens (RFC 6749 section 4.1.3). The redirect URI is the
    /// application's, as it was in the authorization request. `codeVerifier` is nil only where the
    /// flow used no PKCE (RFC 7636 section 4.5).
    package static func exchange(
        code: borrowing Secret, codeVerifier: borrowing Secret?,
        for application: borrowing Application, clock: any TimeSource = SystemTime()
    ) throws(VaultError) -> TokenRequest {
        let credentials = try ClientCredentials(application, for: .exchange, clock: clock)
        let provider = application.provider
        guard code.count <= codeBytesMax else {
            throw VaultError(.limitExceeded, .exchange, number: codeBytesMax, .tooLong, .code)
        }
        try check(code.count, 1...codeBytesMax)
        // RFC 6749 appendix A.11. A form can say other bytes, too.
        guard provider.requestBody == .form || JSONText.isVisible(code.bytes) else {
            throw VaultError(.invalidArgument, .exchange)
        }
        let redirectURI = application.redirectURI
        try check(redirectURI.utf8.count, 1...Provider.endpointBytesMax)
        switch codeVerifier {
        case .some(let verifier): try check(verifier.count, codeVerifierBytes)
        case .none: break
        }
        let names = provider.tokenParameterNames
        return try filled(for: application, by: credentials) { form in
            form.add(names["grant_type"], text: "authorization_code")
            form.add(names["code"], code.bytes)
            form.add(names["redirect_uri"], text: redirectURI)
            switch codeVerifier {
            case .some(let verifier): form.add(names["code_verifier"], verifier.bytes)
            case .none: break
            }
        } _: { form in
            form.add(provider.tokenParameters)
            form.add(provider.exchangeParameters)
        }
    }

    /// A request to the token endpoint in which the client says who it is, with an assertion of its
    /// own where it signs.
    ///
    /// - Parameters:
    ///   - isNamed: whether it says who it is where it does not authenticate.
    ///   - before: adds what comes before that.
    ///   - after: adds what comes behind it.
    static func filled(
        for application: borrowing Application, by credentials: ClientCredentials,
        isNamed: Bool = true, _ before: (inout Form) -> Void, _ after: (inout Form) -> Void
    ) throws(VaultError) -> TokenRequest {
        let signed = try credentials.assertion?.signed()
        var place = 0
        let body = try Form.filled(application.provider.requestBody) { form in
            before(&form)
            let method = application.provider.clientAuthentication
            if isNamed || method != .none { form.add(clientOf: application, by: method) }
            switch signed {
            case .some(let signed): place = form.add(assertion: signed.text.bytes)
            case .none: break
            }
            after(&form)
        }
        return TokenRequest(
            credentials: credentials, body: body,
            assertions: placed(signed, at: place, by: credentials.assertion))
    }

    /// Refreshes (RFC 6749 section 6), or exchanges the access token where the provider wants that:
    /// see `RefreshForm`.
    package static func refresh(
        _ token: RawSpan, by credentials: ClientCredentials
    ) throws(VaultError) -> TokenRequest {
        try check(token.byteCount, 1...TokenSet.tokenBytesMax)
        switch credentials.refreshForm {
        case .some(let form):
            guard let client = credentials.assertion else {
                return TokenRequest(credentials: credentials, body: try form.filled(with: token))
            }
            let signed = try client.signed()
            var place = 0
            let body = try form.filled(with: token, assertion: signed.text.bytes, at: &place)
            return TokenRequest(
                credentials: credentials, body: body,
                assertions: [signed.placed(at: place, by: client)])
        case .none: throw VaultError(.invalidArgument, .exchange)
        }
    }

    static func placed(
        _ signed: borrowing AssertionMaker.Signed?, at offset: Int, by client: AssertionMaker?
    ) -> [AssertionMaker.Placed] {
        guard let client else { return [] }
        return switch signed {
        case .some(let signed): [signed.placed(at: offset, by: client)]
        case .none: []
        }
    }

    /// Checks what requests take from the application.
    static func check(_ application: borrowing Application) throws(VaultError) {
        try check(application.clientID.utf8.count, 1...Application.clientIDBytesMax)
        if application.provider.clientAuthentication.usesSecret {
            switch application.clientSecret {
            case .some(let secret): try check(secret.count, 1...Application.clientSecretBytesMax)
            case .none: throw VaultError(.invalidArgument, .exchange)
            }
        }
        let provider = application.provider
        try checkRefreshGrant(provider)
        guard provider.requestHeaders.allSatisfy(HeaderName.allows) else {
            throw VaultError(.invalidArgument, .exchange)
        }
        let reserved = provider.reservedTokenParameters
        let both = try added(provider.tokenParameters, to: reserved)
        if !provider.exchangeParameters.isEmpty {
            _ = try added(provider.exchangeParameters, to: both)
        }
        if !provider.refreshParameters.isEmpty {
            _ = try added(provider.refreshParameters, to: both)
        }
        if !provider.clientCredentialsParameters.isEmpty {
            _ = try added(provider.clientCredentialsParameters, to: both)
        }
    }

    /// The names that a request has with these parameters.
    private static func added(
        _ parameters: [Provider.Parameter], to names: Set<String>
    ) throws(VaultError) -> Set<String> {
        try check(parameters.count, 0...Provider.parametersMax)
        var names = names
        for parameter in parameters {
            try check(parameter.name.utf8.count, 1...parameterNameBytesMax)
            try check(parameter.value.utf8.count, 0...parameterValueBytesMax)
            // No parameter may occur twice (RFC 6749 section 3.2).
            guard names.insert(parameter.name).inserted else {
                throw VaultError(.invalidArgument, .exchange)
            }
        }
        return names
    }

    /// Checks what is presented for new tokens: a grant type that would bring tokens of somebody
    /// else, or a parameter that occurs anyway, is a mistake.
    ///
    /// - Throws: `invalidArgument`.
    static func checkRefreshGrant(_ provider: Provider) throws(VaultError) {
        guard case .exchange(let grantType, let parameter) = provider.refreshGrant else { return }
        guard Provider.RefreshGrant.allows(grantType: grantType),
            Provider.RefreshGrant.allows(parameter: parameter),
            !(provider.tokenParameters + provider.refreshParameters)
                .contains(where: { $0.name == parameter })
        else { throw VaultError(.invalidArgument, .exchange) }
    }

    static func check(_ count: Int, _ range: ClosedRange<Int>) throws(VaultError) {
        guard count >= range.lowerBound else { throw VaultError(.invalidArgument, .exchange) }
        guard count <= range.upperBound else {
            throw VaultError(.limitExceeded, .exchange, number: range.upperBound)
        }
    }
}
