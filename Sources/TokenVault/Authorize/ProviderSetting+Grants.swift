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
        ProviderSetting(
            "assertion_claims", 74, optional: \.assertionClaims, .claims,
            "What is in the assertions that the client asks for somebody's tokens with (RFC 7523 "
                + "section 2.1), beside iss, sub, aud, iat, exp and jti; {} where nothing is. A "
                + "value may name variables in braces, {client_id}, and {scope}, which is then no "
                + "parameter; iss is the client id unless it is here. A definition that has it "
                + "needs no authorization_endpoint, and its applications may have a signing key."),
    ]
}
