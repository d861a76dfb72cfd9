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
        values: [String: String] = [:], clock: any TimeSource = SystemTime()
    ) throws(VaultError) -> TokenRequest {
        try check(application)
        try check(token.byteCount, 1...TokenSet.tokenBytesMax)
        let way = application.provider.revocation ?? Provider.RevocationRequest()
        let parameters = try filled(way.parameters, values)
        let fields = try filledFields(application.provider.requestHeaders + way.headers, values)
        let credentials = ClientCredentials(
            headerLine: try header(way.authentication, token, application),
            headers: RequestHeaders.list(fields, way.body))
        let head = TransportRequest.Head(method: way.method, body: way.body)
        guard way.body != .none else {
            return TokenRequest(credentials: credentials, body: try Secret(zeroes: 0), head: head)
        }
        let client =
            way.authentication == .client ? try AssertionMaker(application, clock) : nil
        let signed = try client?.signed()
        var place = 0
        let body = try Form.filled(way.body == .json ? .json : .form) { form in
            if !way.parameter.isEmpty {
                form.add(way.parameter, token)
                if way.sendsHint, way.body == .form {
                    form.add("token_type_hint", text: hint.text)
                }
            }
            switch way.authentication {
            case .client:
                form.add(clientOf: application, by: application.provider.clientAuthentication)
                switch signed {
                case .some(let signed): place = form.add(assertion: signed.text.bytes)
                case .none: break
                }
            case .post: form.add(clientOf: application, by: .post)
            default: break
            }
            form.add(parameters)
        }
        return TokenRequest(
            credentials: credentials, body: body,
            head: head == TransportRequest.Head() ? nil : head,
            assertions: placed(signed, at: place, by: client))
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
        let fields = try filledFields(application.provider.requestHeaders + lookup.headers, values)
        let credentials = ClientCredentials(
            headerLine: try header(lookup.authentication, token, application),
            headers: RequestHeaders.list(fields, .none))
        return TokenRequest(
            credentials: credentials, body: try Secret(zeroes: 0),
            head: TransportRequest.Head(method: .get, body: .none))
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

    /// Header fields with their values; of two of one name the last counts.
    private static func filledFields(
        _ headers: [Provider.Parameter], _ values: [String: String]
    ) throws(VaultError) -> [Provider.Parameter] {
        var fields: [Provider.Parameter] = []
        for field in try filled(headers, values) {
            // A value that was captured may hold anything; a line end would begin another field.
            guard HeaderName.isValue(field.value) else { throw valueUnknown }
            fields.removeAll { $0.name.lowercased() == field.name.lowercased() }
            fields.append(field)
        }
        return fields
    }

    private static func header(
        _ authentication: Provider.RevocationRequest.Authentication, _ token: RawSpan,
        _ application: borrowing Application
    ) throws(VaultError) -> Secret? {
        let method: Provider.ClientAuthentication
        switch authentication {
        case .none, .post: return nil
        case .client: method = application.provider.clientAuthentication
        case .basic: method = .basic
        case .basicRaw: method = .basicRaw
        case .secretAsUser: method = .secretAsUser
        case .bearer: return try ClientCredentials.line(token, prefix: "Bearer ")
        case .header(let name): return try ClientCredentials.line(token, of: name)
        }
        return try ClientCredentials.header(application, by: method)
    }
}
