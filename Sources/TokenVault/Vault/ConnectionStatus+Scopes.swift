// SPDX-License-Identifier: Apache-2.0

extension ConnectionStatus {
    /// Scopes that were asked for and not granted: the provider said what it granted, when the
    /// connection was connected or last refreshed, and did not name them. Empty where it does not
    /// say, which means that all were granted (RFC 6749 section 5.1).
    ///
    /// Names are compared as they are: a provider that says the same with other words, as Google
    /// does of `email`, has one scope missing and another one extra.
    public var missingScopes: [String] { scopeDifference.missing }

    /// Scopes that were granted and not asked for; empty where nothing was asked for by name.
    public var extraScopes: [String] { scopeDifference.extra }
}

extension Vault {
    /// The application is opened only where that may make a difference.
    func scopeDifference(_ record: borrowing ConnectionRecord) throws(VaultError) -> ScopeDifference
    {
        let (requested, granted) = (record.requestedScope, record.grantedScope)
        let usual = ScopeDifference(requested: requested, granted: granted)
        guard !usual.isNone, let id = record.application,
            try store.version(store.key(.application, id.text)) != nil
        else { return usual }
        let separator = try store.application(id).provider.scopeSeparator
        return ScopeDifference(requested: requested, granted: granted, separators: [separator])
    }
}
