// SPDX-License-Identifier: Apache-2.0

/// What is known of a connection beside its tokens, and needed to use them: QuickBooks, for one,
/// cannot be called without the realm that came with the callback.
///
/// It is for the platform and the operator, and has the hidden values, too. What people are shown
/// is made of ``shown``.
public struct ConnectionValues: Hashable, Sendable {
    /// The values of the provider's variables: the connection's own, else the application's, else
    /// the default.
    public let variables: [String: String]
    /// What was captured when it was connected, and since.
    public let captured: [String: String]
    /// Names of those that no person but the operator is to be shown.
    public let hiddenNames: Set<String>
    /// The further hosts of the provider's API, with these values in them; a host whose value is
    /// not known is left out.
    public let resourceHosts: [String]

    /// What a customer may be shown: neither hidden values nor their names, and no hosts, since
    /// those may have a hidden value in them.
    public var shown: ConnectionValues {
        ConnectionValues(
            variables: variables.filter { !hiddenNames.contains($0.key) },
            captured: captured.filter { !hiddenNames.contains($0.key) }, hiddenNames: [],
            resourceHosts: [])
    }
}

extension Vault {
    /// The values of a connection; nil where there is none. None of them is a secret.
    ///
    /// - Throws: `authenticationFailed`, `recordDamaged`, `tooManySecrets`.
    public func values(_ id: ConnectionID) throws(VaultError) -> ConnectionValues? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        guard let opened = try store.open(store.key(.connection, id.text)) else { return nil }
        let record = ConnectionRecord(fields: opened.takeFields())
        let captured = record.capturedValues
        var variables = record.fields.values(ConnectionTag.values)
        var hosts: [String] = []
        // Where its application was removed, its own are left.
        if let applicationID = record.application,
            try store.version(store.key(.application, applicationID.text)) != nil
        {
            let application = try store.application(applicationID)
            let provider = application.provider
            variables = provider.allValues(application.values.merging(variables) { $1 })
            let known = captured.merging(variables) { $1 }
            hosts = provider.resourceHosts.compactMap { host in
                guard URLTemplate.isTemplate(host) else { return host }
                return known.reduce(host) { $0.replacing("{\($1.key)}", with: $1.value) }
            }.filter { !URLTemplate.isTemplate($0) }
        }
        return ConnectionValues(
            variables: variables, captured: captured,
            hiddenNames: Set(record.fields.texts(ConnectionTag.hidden)), resourceHosts: hosts)
    }
}
