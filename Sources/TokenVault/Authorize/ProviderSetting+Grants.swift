// SPDX-License-Identifier: Apache-2.0

// The settings of what the client asks for by itself, without anybody's browser.
extension ProviderSetting {
    static let grants: [ProviderSetting] = [
        ProviderSetting(
            "client_credentials_grant_type", 72, optional: \.clientCredentialsGrantType,
            .text(byteCountMax: Provider.grantTypeBytesMax),
            "The grant type by which the client asks for tokens by itself (RFC 6749 section 4.4), "
                + "where that is not client_credentials: Zoom's account_credentials. A definition "
                + "that names it needs no authorization_endpoint."),
        ProviderSetting(
            "client_credentials_parameters", 73, \.clientCredentialsParameters,
            .parameters(valueBytesMax: Provider.tokenParameterValueBytesMax),
            "Added to these requests alone, such as audience or resource; a value may name "
                + "variables in braces. A scope among them goes instead of those asked for."),
    ]
}
