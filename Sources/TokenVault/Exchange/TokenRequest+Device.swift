// SPDX-License-Identifier: Apache-2.0

// The requests of device authorization (RFC 8628).
extension TokenRequest {
    /// The longest device code, in bytes.
    static let deviceCodeBytesMax = codeBytesMax

    /// Asks for a device code and a user code (RFC 8628 section 3.1). `client_id` is always there:
    /// some servers look for it where the client authenticates by a header, too.
    static func deviceAuthorization(
        for application: borrowing Application, scopes: [String],
        clock: any TimeSource = SystemTime()
    ) throws(VaultError) -> TokenRequest {
        try check(application)
        let provider = application.provider
        let grant = provider.deviceGrant
        let method = grant.authentication == .none ? .none : provider.clientAuthentication
        let names = provider.tokenParameterNames
        let client = method == .none ? nil : try AssertionMaker(application, clock)
        let signed = try client?.signed()
        var place = 0
        let body = try Form.filled(provider.requestBody) { form in
            form.add(clientOf: application, by: method)
            switch signed {
            case .some(let signed): place = form.add(assertion: signed.text.bytes)
            case .none: break
            }
            if ![.none, .post, .privateKeyJWT].contains(method) {
                form.add(names["client_id"], text: application.clientID)
            }
            if !scopes.isEmpty {
                form.add(
                    provider.authorizationParameterNames["scope"],
                    text: scopes.joined(separator: provider.scopeSeparator))
            }
            form.add(grant.parameters)
        }
        let credentials = ClientCredentials(
            headerLine: try ClientCredentials.header(application, by: method),
            headers: RequestHeaders.list(
                provider.requestHeaders, provider.requestBody == .json ? .json : .form))
        return TokenRequest(
            credentials: credentials, body: body, assertions: placed(signed, at: place, by: client))
    }

    /// Asks whether the user has decided (RFC 8628 section 3.4).
    static func poll(
        with deviceCode: borrowing Secret, for application: borrowing Application,
        clock: any TimeSource = SystemTime()
    ) throws(VaultError) -> TokenRequest {
        let credentials = try ClientCredentials(application, for: .exchange, clock: clock)
        try check(deviceCode.count, 1...deviceCodeBytesMax)
        let provider = application.provider
        let grant = provider.deviceGrant
        return try filled(for: application, by: credentials) { form in
            form.add(provider.tokenParameterNames["grant_type"], text: grant.grantType)
            form.add(grant.codeParameter, deviceCode.bytes)
        } _: { form in
            form.add(provider.tokenParameters)
        }
    }
}

extension TokenEndpoint {
    /// The request that asks for a device code, for `send`.
    func deviceAuthorization(
        at url: String, for application: borrowing Application, scopes: [String],
        completion: @escaping @Sendable (DeviceAnswer) -> Void
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.deviceAuthorization(
            for: application, scopes: scopes, clock: clock)
        let lifetime = application.provider.deviceGrant.lifetimeSeconds
        return try make(request, to: url, isReserved: true) { reply in
            completion(DeviceAnswer(reply, lifetimeSeconds: lifetime == 0 ? nil : lifetime))
        }
    }

    /// The request that polls, for `send`.
    ///
    /// - Parameters: as of `exchange`.
    func poll(
        with deviceCode: borrowing Secret, for application: borrowing Application,
        listenMilliseconds: Int, overdue: TransportRequest.Overdue?,
        completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.poll(with: deviceCode, for: application, clock: clock)
        let types = BearerTypes.connect(application.provider)
        let rules = ReplyRules(application.provider)
        return try make(
            request, to: application.provider.tokenEndpoint, isReserved: true, rules: rules,
            listenMilliseconds: listenMilliseconds, overdue: overdue
        ) { reply in completion(Verdict(reply, types: types, rules: rules)) }
    }
}
