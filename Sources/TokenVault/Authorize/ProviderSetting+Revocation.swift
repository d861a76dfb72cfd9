// SPDX-License-Identifier: Apache-2.0

extension ProviderSetting {
    static let revocations: [ProviderSetting] = [
        ProviderSetting(
            "revocation", 65, optional: \.revocation, .revocation,
            "How tokens are revoked where that is not as RFC 7009 has it: see below.")
    ]

    static let callbacks: [ProviderSetting] = [
        ProviderSetting(
            "lookup", 66, optional: \.lookup, .lookup,
            "What is asked for once with the new access token after connecting: values that calls "
                + "of the API need, and whose account it is; see below."),
        ProviderSetting(
            "callback_signature", 67, optional: \.callbackSignature, .callbackSignature,
            "How the provider signs callbacks with the client secret, as Shopify does; one that is "
                + "not signed so is refused."),
    ]
}
