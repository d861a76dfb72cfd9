// SPDX-License-Identifier: Apache-2.0

extension AuthorizationRequest {
    /// Judges the parameters as a provider that is played does.
    init(
        _ form: Form, at found: Stage.Found, settings: ProviderSimulator.Settings
    ) throws(Refusal) {
        let provider = found.provider
        guard let id = form["client_id"], let client = settings.client(id) else {
            throw .shown("The client_id is not registered here.")
        }
        guard let redirectURI = form["redirect_uri"], client.redirectURIs.contains(redirectURI)
        else {
            throw .shown("The redirect_uri is not registered for this client.")
        }
        let state = form["state"] ?? ""
        func refuse(_ error: String) -> Refusal {
            var fields = ["error": error]
            if !state.isEmpty { fields["state"] = state }
            return .redirected(to: AuthorizationRequest.location(redirectURI, fields))
        }
        guard !provider.needsResponseType || form["response_type"] == "code" else {
            throw refuse("unsupported_response_type")
        }
        guard provider.authorizeParameters.allSatisfy({ form[$0.key] == $0.value }) else {
            throw refuse("invalid_request")
        }
        let scopes = provider.parts.flatMap { $0.scopes(in: form, of: provider) }
        guard settings.scopes.isEmpty || settings.scopes.isSuperset(of: scopes) else {
            throw refuse(provider.scopeError)
        }
        let challenge = form["code_challenge"]
        if let challenge, case .verified = provider.proof {
            guard form["code_challenge_method"] == "S256", challenge.utf8.count == 43,
                challenge.isUnreserved
            else { throw refuse("invalid_request") }
        }
        (self.client, self.redirectURI, self.state) = (client, redirectURI, state)
        (self.scope, self.challenge) = (scopes.joined(separator: " "), challenge)
        consent = Consent(provider: provider, variables: found.variables, parameters: form)
    }

    /// Where the browser goes: with a code, or with nil where the person said no.
    func location(code: String?, consent: Consent, user: String) -> String {
        let provider = consent.provider
        var variables = consent.variables
        variables.merge(Variables.make(user: user, client: client.id)) { $1 }
        var fields: [(name: String, value: String)] = code.map { [("code", $0)] } ?? []
        if !state.isEmpty { fields.append(("state", state)) }
        for (name, template) in code == nil ? provider.denial : provider.callback {
            guard let value = Shape.fill(template, variables) else { continue }
            fields.append((name, value))
        }
        if provider.signsCallback {
            fields.append(
                ("hmac", CallbackSignature.make(fields, secret: client.secret ?? "")))
        }
        return AuthorizationRequest.location(redirectURI, fields)
    }
}
