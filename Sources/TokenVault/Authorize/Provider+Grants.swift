// SPDX-License-Identifier: Apache-2.0

// What the client asks for by itself.
extension Provider {
    /// The longest grant type, in bytes.
    public static let grantTypeBytesMax = 64
    /// RFC 6749's own (section 4.4.2).
    static let clientCredentialsGrantTypeDefault = "client_credentials"

    /// RFC 7523 section 2.1.
    static let jwtBearerGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    /// The parameter that has the assertion (RFC 7521 section 4.1).
    static let assertionParameter = "assertion"
    /// The most `assertionClaims`.
    public static let assertionClaimsMax = 16
    /// What each assertion has already, or cannot be a text (RFC 7519 section 4.1).
    private static let ownClaims: Set<String> = ["sub", "aud", "exp", "nbf", "iat", "jti"]

    /// Whether an application may have a key: something is signed with it.
    package var mayUseKey: Bool { clientAuthentication == .privateKeyJWT || assertionClaims != nil }

    /// Whether nothing can be asked for without a key.
    package var needsKey: Bool {
        clientAuthentication == .privateKeyJWT
            || assertionClaims != nil && authorizationEndpointIfAny == nil
                && clientCredentialsGrantType == nil
    }

    /// The authorization endpoint; nil where there is none.
    var authorizationEndpointIfAny: String? {
        get { authorizationEndpoint.isEmpty ? nil : authorizationEndpoint }
        set { authorizationEndpoint = newValue ?? "" }
    }

    /// What stands for the scopes that are asked for in requests of the client's own; nil where
    /// they are.
    var fixedScope: Parameter? {
        (tokenParameters + clientCredentialsParameters).first { $0.name == "scope" }
    }

    /// Whether `token_parameters` have a scope.
    var addsScope: Bool { tokenParameters.contains { $0.name == "scope" } }

    /// Whether the scopes that are asked for go into an assertion.
    var hasScopeClaim: Bool {
        assertionClaims?.contains { Template.names($0.value)?.contains("scope") ?? false } ?? false
    }

    /// - Throws: the first setting that is wrong: which one, what it is, and what would do.
    func checkGrants() throws(SettingError) {
        guard
            authorizationEndpointIfAny != nil || clientCredentialsGrantType != nil
                || assertionClaims != nil
        else {
            throw SettingError(
                setting: "authorization_endpoint", value: "it",
                wanted: "give it, or client_credentials_grant_type or assertion_claims where the "
                    + "client asks for tokens by itself", problem: "is missing", line: nil)
        }
        try checkAssertions()
        if let type = clientCredentialsGrantType,
            ["authorization_code", "refresh_token", "password"].contains(type)
        {
            throw SettingError(
                setting: "client_credentials_grant_type", value: "\"\(type)\"",
                wanted: "the grant type by which a client asks for itself", line: nil)
        }
        var seen = Set(tokenParameters.map(\.name))
        for parameter in clientCredentialsParameters {
            let problem: String? =
                if reservedTokenParameters.contains(parameter.name) {
                    "is set by the request itself"
                } else if !seen.insert(parameter.name).inserted {
                    "is there twice, or among token_parameters, too"
                } else {
                    nil
                }
            if let problem {
                throw SettingError(
                    setting: "client_credentials_parameters", value: "\"\(parameter.name)\"",
                    wanted: "leave it out", problem: problem, line: nil)
            }
            let names = Template.names(parameter.value)
            guard let names, names.allSatisfy({ variables[$0] != nil }) else {
                throw SettingError(
                    setting: "client_credentials_parameters", value: "\"\(parameter.value)\"",
                    wanted: "a text in which braces name variables", line: nil)
            }
        }
    }

    private func checkAssertions() throws(SettingError) {
        if let assertionAudience, !variables.isEmpty {
            let names = Template.names(assertionAudience)
            guard let names, names.allSatisfy({ variables[$0] != nil }) else {
                throw SettingError(
                    setting: "assertion_audience", value: "\"\(assertionAudience)\"",
                    wanted: "a text in which braces name variables", line: nil)
            }
        }
        guard let assertionClaims else { return }
        if tokenParameters.contains(where: { $0.name == Self.assertionParameter }) {
            throw SettingError(
                setting: "token_parameters", value: "\"\(Self.assertionParameter)\"",
                wanted: "leave it out, or assertion_claims",
                problem: "is set by the request itself", line: nil)
        }
        for claim in assertionClaims {
            if Self.ownClaims.contains(claim.name) {
                let wanted =
                    switch claim.name {
                    case "sub": "leave it out: it is given by connect --subject"
                    case "aud": "leave it out: assertion_audience says it"
                    default: "leave it out"
                    }
                throw SettingError(
                    setting: "assertion_claims", value: "\"\(claim.name)\"", wanted: wanted,
                    problem: "is set by the assertion itself", line: nil)
            }
            let names = Template.names(claim.value)
            guard
                let names,
                names.allSatisfy({ variables[$0] != nil || ["client_id", "scope"].contains($0) })
            else {
                throw SettingError(
                    setting: "assertion_claims", value: "\"\(claim.value)\"",
                    wanted: "a text in which braces name variables, client_id or scope",
                    line: nil)
            }
        }
    }
}
