// SPDX-License-Identifier: Apache-2.0

/// An authorization request (RFC 6749 section 4.1.1) that may be answered by a redirect.
struct AuthorizationRequest: Sendable {
    let client: ProviderSimulator.Client
    let redirectURI: String
    let state: String
    let scope: String
    let challenge: String?
    /// Set where the provider is one that is played.
    let consent: Consent?

    /// Why a request is not shown to the user.
    enum Refusal: Error, Sendable {
        /// The redirect URI is not known to be the client's: this is told to the person in front
        /// of the browser and to nobody else, or the server would be an open redirector.
        case shown(StaticString)
        /// The client is told, at its own redirect URI.
        case redirected(to: String)
    }

    /// Judges the parameters in the order in which they become trustworthy.
    init(_ form: Form, settings: ProviderSimulator.Settings, issuer: String) throws(Refusal) {
        guard let id = form["client_id"], let client = settings.client(id) else {
            throw .shown("The client_id is not registered here.")
        }
        guard let redirectURI = form["redirect_uri"], client.redirectURIs.contains(redirectURI)
        else {
            throw .shown("The redirect_uri is not registered for this client.")
        }
        let state = form["state"] ?? ""
        func refuse(_ error: String, _ description: String) -> Refusal {
            var fields = ["error": error, "error_description": description, "iss": issuer]
            if !state.isEmpty { fields["state"] = state }
            return .redirected(to: AuthorizationRequest.location(redirectURI, fields))
        }
        guard !state.isEmpty else {
            throw refuse("invalid_request", "state is missing")
        }
        guard form["response_type"] == "code" else {
            throw refuse("unsupported_response_type", "only response_type=code is supported")
        }
        let scope = form["scope"] ?? ""
        let asked = scope.split(separator: " ").map(String.init)
        guard settings.scopes.isEmpty || settings.scopes.isSuperset(of: asked) else {
            throw refuse("invalid_scope", "a scope is not offered here")
        }
        let challenge = form["code_challenge"]
        if let challenge {
            guard form["code_challenge_method"] == "S256" else {
                throw refuse("invalid_request", "code_challenge_method must be S256")
            }
            guard challenge.utf8.count == 43, challenge.isUnreserved else {
                throw refuse("invalid_request", "code_challenge is not a SHA-256 digest")
            }
        } else if settings.requiresPKCE {
            throw refuse("invalid_request", "code_challenge is missing")
        }
        (self.client, self.redirectURI, self.state) = (client, redirectURI, state)
        (self.scope, self.challenge, consent) = (scope, challenge, nil)
    }

    /// Where the browser goes with a code, or with nil where the user said no. RFC 9207 adds `iss`.
    func location(code: String?, issuer: String, user: String) -> String {
        if let consent { return location(code: code, consent: consent, user: user) }
        var fields = ["state": state, "iss": issuer]
        if let code {
            fields["code"] = code
        } else {
            fields["error"] = "access_denied"
        }
        return AuthorizationRequest.location(redirectURI, fields)
    }

    static func location(
        _ redirectURI: String, _ fields: [String: String]
    ) -> String {
        location(redirectURI, fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    static func location(
        _ redirectURI: String, _ fields: [(name: String, value: String)]
    ) -> String {
        let query = fields.map { "\($0.name)=\($0.value.percentEncoded)" }
        return redirectURI + (redirectURI.contains("?") ? "&" : "?") + query.joined(separator: "&")
    }
}

extension Ledger {
    /// Answers a consent: the location to send the browser to.
    mutating func decide(
        _ form: Form, approve: Bool, user: String
    ) throws(AuthorizationRequest.Refusal) -> String {
        let request = try AuthorizationRequest(form, settings: settings, issuer: issuer)
        return try decide(request, approve: approve, user: user)
    }

    /// Answers the consent to a request that was judged.
    mutating func decide(
        _ request: AuthorizationRequest, approve: Bool, user: String
    ) throws(AuthorizationRequest.Refusal) -> String {
        guard approve else {
            counters.denials += 1
            return request.location(code: nil, issuer: issuer, user: user)
        }
        guard !user.isEmpty, user.utf8.count <= 256 else {
            throw .shown("A user name has 1 to 256 bytes.")
        }
        guard let code = issueCode(for: request, user: user) else {
            throw .shown("Too many codes are waiting to be exchanged.")
        }
        return request.location(code: code, issuer: issuer, user: user)
    }
}
