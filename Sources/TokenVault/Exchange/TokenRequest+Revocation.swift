// SPDX-License-Identifier: Apache-2.0

extension TokenRequest {
    /// Revokes a token (RFC 7009 section 2.1), or asks for that in the provider's own way. Added
    /// parameters belong to token requests and are not sent here.
    ///
    /// - Parameter values: what templates of the definition may name.
    /// - Throws: `invalidArgument`, with the cause `valueUnknown` where a template names a value
    ///   that is not among them.
    package static func revocation(
        of token: RawSpan, _ hint: Hint, for application: borrowing Application,
        values: [String: String] = [:]
    ) throws(VaultError) -> TokenRequest {
        try check(application)
        try check(token.byteCount, 1...TokenSet.tokenBytesMax)
        let way = application.provider.revocation ?? Provider.RevocationRequest()
        let credentials = try credentials(way.authentication, token, application)
        let parameters = try filled(way.parameters, values)
        let head = try head(way, values)
        switch way.body {
        case .none:
            return TokenRequest(credentials: credentials, body: try Secret(zeroes: 0), head: head)
        case .form:
            let body = try Form.filled { form in
                if !way.parameter.isEmpty {
                    form.add(named: way.parameter, token)
                    if way.sendsHint { form.add("token_type_hint", text: hint.text) }
                }
                form.add(credentials)
                form.add(parameters)
            }
            return TokenRequest(credentials: credentials, body: body, head: head)
        case .json:
            let namesClient = way.authentication.isInBody && credentials.isInForm
            let body = try JSONBody.filled { object in
                if !way.parameter.isEmpty { object.add(way.parameter, token) }
                if namesClient {
                    object.add("client_id", text: application.clientID)
                    switch application.clientSecret {
                    case .some(let secret): object.add("client_secret", secret.bytes)
                    case .none: break
                    }
                }
                for parameter in parameters { object.add(parameter.name, text: parameter.value) }
            }
            return TokenRequest(credentials: credentials, body: body, head: head)
        }
    }

    /// Where a revocation goes.
    ///
    /// - Throws: as `revocation`.
    static func revocationURL(
        _ endpoint: String, _ provider: Provider, _ values: [String: String]
    ) throws(VaultError) -> String {
        guard provider.revocation != nil else { return endpoint }
        guard let url = Template.filled(endpoint, values, in: .url) else { throw valueUnknown }
        return url
    }

    private static var valueUnknown: VaultError {
        VaultError(.invalidArgument, .exchange, .valueUnknown, .revocationEndpoint)
    }

    /// Asks what is to be looked up.
    ///
    /// - Throws: as `revocation`.
    static func lookup(
        _ lookup: Provider.Lookup, with token: RawSpan, for application: borrowing Application,
        values: [String: String]
    ) throws(VaultError) -> TokenRequest {
        let fields = try filledFields(lookup.headers, values)
        return TokenRequest(
            credentials: try credentials(lookup.authentication, token, application),
            body: try Secret(zeroes: 0),
            head: TransportRequest.Head(method: .get, body: .none, fields: fields))
    }

    /// - Throws: as `revocation`.
    static func lookupURL(
        _ lookup: Provider.Lookup, _ values: [String: String]
    ) throws(VaultError) -> String {
        guard let url = Template.filled(lookup.url, values, in: .url) else { throw valueUnknown }
        return url
    }

    private static func filled(
        _ parameters: [Provider.Parameter], _ values: [String: String]
    ) throws(VaultError) -> [Provider.Parameter] {
        var filled: [Provider.Parameter] = []
        for parameter in parameters {
            guard let value = Template.filled(parameter.value, values, in: .plain) else {
                throw valueUnknown
            }
            filled.append(Provider.Parameter(parameter.name, value))
        }
        return filled
    }

    /// Nil for a POST of a form without further fields.
    private static func head(
        _ way: Provider.RevocationRequest, _ values: [String: String]
    ) throws(VaultError) -> TransportRequest.Head? {
        let fields = try filledFields(way.headers, values)
        let head = TransportRequest.Head(method: way.method, body: way.body, fields: fields)
        return head == TransportRequest.Head() ? nil : head
    }

    private static func filledFields(
        _ headers: [Provider.Parameter], _ values: [String: String]
    ) throws(VaultError) -> [Provider.Parameter] {
        let fields = try filled(headers, values)
        // A value that was captured may hold anything; a line end would begin another field.
        guard fields.allSatisfy({ HeaderField.isValue($0.value) }) else { throw valueUnknown }
        return fields
    }

    private static func credentials(
        _ authentication: Provider.RevocationRequest.Authentication, _ token: RawSpan,
        _ application: borrowing Application
    ) throws(VaultError) -> ClientCredentials {
        let line: Secret
        switch authentication {
        case .client: return try ClientCredentials(application)
        case .none: return ClientCredentials(headerLine: nil, formFields: nil)
        case .post:
            return ClientCredentials(
                headerLine: nil,
                formFields: try ClientCredentials.fields(
                    application.clientID, application.clientSecret))
        case .basic: line = try ClientCredentials.header(application, isRaw: false)
        case .basicRaw: line = try ClientCredentials.header(application, isRaw: true)
        case .secretAsUser: line = try ClientCredentials.secretAsUser(application)
        case .bearer: line = try ClientCredentials.line(token, prefix: "Bearer ")
        case .header(let name): line = try ClientCredentials.line(token, of: name)
        }
        return ClientCredentials(headerLine: line, formFields: nil)
    }
}
