// SPDX-License-Identifier: Apache-2.0

/// A setting of a provider that is not as it was.
public struct ProviderChange: Hashable, Sendable {
    /// The setting's key.
    public let setting: String
    /// What it was, in words; nil where it was not set.
    public let before: String?
    /// What it is now; nil where it is not set.
    public let after: String?
    /// Whether somebody has to accept it first: secrets would go elsewhere or be said otherwise,
    /// tokens would no longer be revoked, or a check would be given up.
    public let needsApproval: Bool

    /// A change.
    package init(setting: String, before: String?, after: String?, needsApproval: Bool) {
        self.setting = setting
        self.before = before
        self.after = after
        self.needsApproval = needsApproval
    }

    /// All of them, in the order of the documentation; the name for people is passed over.
    package static func all(from old: Provider, to new: Provider) -> [ProviderChange] {
        let known = Set(endpoints.compactMap { text($0, of: old).map(authority) })
        return ProviderSetting.all.compactMap { setting in
            guard setting.key != "name", setting.fields(of: old) != setting.fields(of: new) else {
                return nil
            }
            let (before, after) = (text(setting.key, of: old), text(setting.key, of: new))
            return ProviderChange(
                setting: setting.key, before: before, after: after,
                needsApproval: needsApproval(setting.key, before, after, known))
        }
    }

    /// Where secrets go. Another path at the same host can be another tenant's.
    private static let secretEndpoints = [
        "token_endpoint", "refresh_endpoint", "revocation_endpoint",
        "device_authorization_endpoint",
    ]
    /// The same, and where people are sent.
    private static let endpoints = ["authorization_endpoint"] + secretEndpoints
    /// How the client says who it is.
    private static let authentications = ["client_authentication", "revocation"]
    /// Checks that are made where they are true.
    private static let checks = ["authorization_response_iss_parameter_supported", "pkce"]

    private static func needsApproval(
        _ key: String, _ before: String?, _ after: String?, _ known: Set<String>
    ) -> Bool {
        if key == "issuer" { return before != nil }
        if checks.contains(key) { return after != "true" }
        if authentications.contains(key) { return true }
        guard endpoints.contains(key) else { return false }
        guard let after else { return key == "revocation_endpoint" }
        let host = authority(after)
        guard let before else { return !known.contains(host) }
        return authority(before) != host
            || secretEndpoints.contains(key) && path(before) != path(after)
    }

    private static func text(_ key: String, of provider: Provider) -> String? {
        guard let value = ProviderSetting[key]?.value(of: provider) else { return nil }
        return value.text ?? value.list.map { list in
            list.map { $0.text ?? $0.words }.joined(separator: " ")
        } ?? value.words
    }

    /// Host and port of a URL, in small letters.
    private static func authority(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url.lowercased() }
        return url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }.lowercased()
    }

    /// What follows that, with the query.
    private static func path(_ url: String) -> Substring {
        guard let scheme = url.firstRange(of: "://") else { return url[...] }
        return url[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }
    }
}
