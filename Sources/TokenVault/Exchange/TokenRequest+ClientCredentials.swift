// SPDX-License-Identifier: Apache-2.0

extension TokenRequest {
    /// Asks for a token by the client's own authentication alone (RFC 6749 section 4.4.2).
    ///
    /// - Parameters:
    ///   - scope: what is asked for, as the provider separates it; nil for what it gives anyway.
    ///   - credentials: those of the application, made for an exchange.
    /// - Throws: `invalidArgument`, with the cause `valueMissing` where a parameter of the
    ///   definition names a variable that has no value.
    package static func clientCredentials(
        scope: String?, for application: borrowing Application, by credentials: ClientCredentials
    ) throws(VaultError) -> TokenRequest {
        let provider = application.provider
        let grantType =
            provider.clientCredentialsGrantType ?? Provider.clientCredentialsGrantTypeDefault
        let names = provider.tokenParameterNames
        let values = provider.allValues(application.values)
        var parameters: [Provider.Parameter] = []
        for parameter in provider.clientCredentialsParameters {
            guard let value = Template.filled(parameter.value, values, in: .plain) else {
                throw VaultError(.invalidArgument, .exchange, .valueMissing, .variable)
            }
            parameters.append(Provider.Parameter(parameter.name, value))
        }
        let wanted = provider.fixedScope == nil ? scope : nil
        return try filled(for: application, by: credentials) { form in
            form.add(names["grant_type"], text: grantType)
            if let wanted { form.add("scope", text: wanted) }
        } _: { form in
            form.add(provider.tokenParameters)
            form.add(parameters)
        }
    }
}
