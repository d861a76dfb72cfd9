// SPDX-License-Identifier: Apache-2.0

/// A request that a definition leads to, as it would be sent, with words such as `CLIENT_SECRET` in
/// the place of secrets. Nothing is sent.
package struct RequestPreview: Sendable {
    /// What it is for.
    package let title: String
    /// Its method and URL.
    package let line: String
    /// Its header fields, but for those that curl adds to every request.
    package let fields: [String]
    /// Its body; empty where there is none.
    package let body: String

    /// The requests of a connection's life, in their order.
    ///
    /// - Parameters:
    ///   - provider: a definition that was checked.
    ///   - values: of its variables.
    /// - Throws: `endpointRefused` where a value is missing, or is not what it may be; as the
    ///   makers of `TokenRequest`.
    package static func all(
        _ provider: Provider, values: [String: String]
    ) throws(VaultError) -> [RequestPreview] {
        let application = try Application(
            id: ApplicationID("preview"), provider: provider, clientID: "CLIENT_ID",
            clientSecret: provider.clientAuthentication.usesSecret
                ? Secret("CLIENT_SECRET") : nil,
            signingKey: provider.mayUseKey ? .ofZeros() : nil,
            redirectURI: "https://platform.example/callback", scopes: ["SCOPE"],
            userScopes: provider.userScopeParameter == nil ? [] : ["USER_SCOPE"], values: values
        ).filled(for: nil)
        return try flow(application) + clientCredentials(application) + jwtBearer(application)
            + devices(application) + revocations(application) + lookups(application)
    }

    /// What somebody's consent leads to.
    private static func flow(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        guard application.provider.authorizationEndpointIfAny != nil else { return [] }
        return try [authorization(application), exchange(application), refresh(application)]
    }

    /// What the client asks for by itself, where the definition speaks of that.
    private static func clientCredentials(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        let provider = application.provider
        guard
            provider.clientCredentialsGrantType != nil
                || !provider.clientCredentialsParameters.isEmpty
        else { return [] }
        let request = try TokenRequest.clientCredentials(
            scope: "SCOPE", for: application, by: ClientCredentials(application, for: .exchange))
        return [
            RequestPreview(
                "The client asks by itself", request, provider.tokenEndpoint,
                provider.requestHeaders, provider.requestBody == .json ? .json : .form)
        ]
    }

    private static func jwtBearer(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        let provider = application.provider
        guard provider.assertionClaims != nil else { return [] }
        let request = try TokenRequest.jwtBearer(
            subject: "SUBJECT", scope: "SCOPE", for: application,
            by: ClientCredentials(application, for: .exchange))
        let claims = request.assertions.last?.maker.claims.words ?? ""
        return [
            RequestPreview(
                "The client asks by an assertion that says \(claims)", request,
                provider.tokenEndpoint, provider.requestHeaders,
                provider.requestBody == .json ? .json : .form)
        ]
    }

    private static func authorization(
        _ application: borrowing Application
    ) throws(VaultError) -> RequestPreview {
        let provider = application.provider
        let request = try AuthorizationRequest(
            application, scopes: provider.scopes(for: application.scopes),
            userScopes: application.userScopes, state: Secret("STATE"),
            codeVerifier: verifier())
        return RequestPreview(
            title: "The user's browser is sent to", line: "GET \(request.url)", fields: [],
            body: "")
    }

    /// As long as one must be at least.
    private static func verifier() throws(VaultError) -> Secret {
        try Secret("CODE_VERIFIER______________________________")
    }

    private static func exchange(
        _ application: borrowing Application
    ) throws(VaultError) -> RequestPreview {
        let provider = application.provider
        let request = try TokenRequest.exchange(
            code: Secret("CODE"), codeVerifier: provider.usesPKCE ? verifier() : nil,
            for: application)
        return RequestPreview(
            "The code is exchanged", request, provider.tokenEndpoint, provider.requestHeaders,
            provider.requestBody == .json ? .json : .form)
    }

    private static func refresh(
        _ application: borrowing Application
    ) throws(VaultError) -> RequestPreview {
        let provider = application.provider
        let token = try Secret(
            provider.refreshGrant == .refreshToken ? "REFRESH_TOKEN" : "ACCESS_TOKEN")
        let credentials = try ClientCredentials(application)
        let request = try TokenRequest.refresh(token.bytes, by: credentials)
        return RequestPreview(
            "A token is refreshed", request, provider.refreshURL, provider.requestHeaders,
            provider.requestBody == .json ? .json : .form)
    }

    private static func devices(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        let provider = application.provider
        guard let endpoint = provider.deviceAuthorizationEndpoint else { return [] }
        let kind: Provider.RevocationRequest.Body = provider.requestBody == .json ? .json : .form
        let request = try TokenRequest.deviceAuthorization(
            for: application, scopes: provider.scopes(for: application.scopes))
        let code = try Secret("DEVICE_CODE")
        let poll = try TokenRequest.poll(with: code, for: application)
        return [
            RequestPreview(
                "A code for another device is asked for", request, endpoint,
                provider.requestHeaders, kind),
            RequestPreview(
                "Whether it was entered is asked", poll, provider.tokenEndpoint,
                provider.requestHeaders, kind),
        ]
    }

    private static func revocations(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        let provider = application.provider
        guard let endpoint = provider.revocationEndpoint else { return [] }
        let way = provider.revocation ?? Provider.RevocationRequest()
        let values = samples(application)
        let url = try TokenRequest.revocationURL(endpoint, provider, values)
        var previews: [RequestPreview] = []
        for hint in way.presented {
            let token = try Secret(
                hint == .accessToken ? "ACCESS_TOKEN" : "REFRESH_TOKEN")
            let request = try TokenRequest.revocation(
                of: token.bytes, hint, for: application, values: values)
            previews.append(
                RequestPreview(
                    "On disconnect", request, url, provider.requestHeaders + way.headers, way.body))
        }
        return previews
    }

    private static func lookups(
        _ application: borrowing Application
    ) throws(VaultError) -> [RequestPreview] {
        let provider = application.provider
        guard let lookup = provider.lookup else { return [] }
        let values = samples(application)
        let token = try Secret("ACCESS_TOKEN")
        let url = try TokenRequest.lookupURL(lookup, values)
        let request = try TokenRequest.lookup(
            lookup, with: token.bytes, for: application, values: values)
        let preview = RequestPreview(
            "Once after connecting", request, url, provider.requestHeaders + lookup.headers, .none)
        return [preview]
    }

    /// What is captured stands as its name.
    private static func samples(_ application: borrowing Application) -> [String: String] {
        let provider = application.provider
        var values = Dictionary(
            uniqueKeysWithValues: provider.capturedNames.map { ($0, $0.uppercased()) })
        values.merge(provider.allValues(application.values)) { $1 }
        values["client_id"] = application.clientID
        return values
    }

    private init(title: String, line: String, fields: [String], body: String) {
        (self.title, self.line, self.fields, self.body) = (title, line, fields, body)
    }

    private static func body(_ request: borrowing TokenRequest) -> String {
        let bytes = request.body.bytes
        var (text, end) = ("", 0)
        let places = request.assertions.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
        for place in places {
            text += bytes.extracting(end..<place.bytes.lowerBound).publicText ?? ""
            text += place.maker.isGrant ? "ASSERTION" : "CLIENT_ASSERTION"
            end = place.bytes.upperBound
        }
        return text + (bytes.extracting(end..<bytes.byteCount).publicText ?? "")
    }

    private init(
        _ title: String, _ request: borrowing TokenRequest, _ url: String,
        _ added: [Provider.Parameter], _ body: Provider.RevocationRequest.Body
    ) {
        let method = request.head?.method ?? .post
        var fields: [String] = []
        switch request.credentials.headerLine {
        case .some(let line):
            let text = line.bytes.extracting(0..<line.count - 1).publicText
            fields.append(text ?? "")
        case .none: break
        }
        // One without a value keeps curl from adding its own; with a form curl does.
        fields += RequestHeaders.fields(added, body).filter { !$0.value.isEmpty }
            .map { "\($0.name): \($0.value)" }
        if body == .form, method != .get {
            fields.append("Content-Type: application/x-www-form-urlencoded")
        }
        self.init(
            title: title, line: "\(method.rawValue.uppercased()) \(url)", fields: fields,
            body: Self.body(request))
    }
}

extension AssertionMaker.Claims {
    /// What differs from one definition to another.
    fileprivate var words: String {
        let named = [("iss", issuer)] + (subject.map { [("sub", $0)] } ?? []) + [("aud", audience)]
        return (named + others.map { ($0.name, $0.value) }).map { "\($0)=\($1)" }
            .joined(separator: ", ")
    }
}

extension SigningKey {
    /// An Ed25519 key that is no secret (RFC 8410 section 7): what it signs is not shown.
    fileprivate static func ofZeros() throws(VaultError) -> SigningKey {
        let head: [UInt8] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ]
        var der = try Secret(zeroes: head.count + 32)
        unsafe der.store(head.span.bytes, at: 0)
        return SigningKey(checked: der, algorithm: .edDSA, keyID: "")
    }
}

extension Provider.RevocationRequest {
    /// The tokens that are presented where there are both, in their order.
    fileprivate var presented: [TokenRequest.Hint] {
        switch tokens {
        case .both: [.refreshToken, .accessToken]
        case .refresh, .refreshOrAccess: [.refreshToken]
        case .access: [.accessToken]
        }
    }
}
