// SPDX-License-Identifier: Apache-2.0

// What the client asks for by itself.
extension Provider {
    /// The longest grant type, in bytes.
    public static let grantTypeBytesMax = 64
    /// RFC 6749's own (section 4.4.2).
    static let clientCredentialsGrantTypeDefault = "client_credentials"

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

    /// - Throws: the first setting that is wrong: which one, what it is, and what would do.
    func checkGrants() throws(SettingError) {
        guard authorizationEndpointIfAny != nil || clientCredentialsGrantType != nil else {
            throw SettingError(
                setting: "authorization_endpoint", value: "it",
                wanted: "give it, or client_credentials_grant_type where the client asks for "
                    + "tokens by itself", problem: "is missing", line: nil)
        }
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
}
