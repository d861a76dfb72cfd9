// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What became of asking an issuer again, as JSON has it.
struct IssuerRefreshForm: Codable, Sendable {
    var changes: [ProviderChangeForm]
    var isAdopted: Bool
    var warnings: [String]

    enum CodingKeys: String, CodingKey {
        case changes, warnings
        case isAdopted = "adopted"
    }

    init(_ refresh: Vault.IssuerRefresh) {
        changes = refresh.changes.map(ProviderChangeForm.init)
        isAdopted = refresh.isAdopted
        warnings = refresh.warnings
    }
}

/// A setting that is not as it was.
struct ProviderChangeForm: Codable, Sendable {
    var setting: String
    var before: String?
    var after: String?
    var needsApproval: Bool

    enum CodingKeys: String, CodingKey {
        case setting, before, after
        case needsApproval = "needs_approval"
    }

    init(_ change: ProviderChange) {
        setting = change.setting
        before = change.before
        after = change.after
        needsApproval = change.needsApproval
    }

    /// One line for people.
    var line: String {
        "  \(setting): \(before ?? "none") -> \(after ?? "none")"
            + (needsApproval ? "  (needs approval)" : "")
    }
}
