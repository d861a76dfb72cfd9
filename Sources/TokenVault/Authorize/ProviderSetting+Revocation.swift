// SPDX-License-Identifier: Apache-2.0

extension ProviderSetting {
    static let revocations: [ProviderSetting] = [
        ProviderSetting(
            "revocation", 65, optional: \.revocation, .revocation,
            "How tokens are revoked where that is not as RFC 7009 has it: see below.")
    ]
}
