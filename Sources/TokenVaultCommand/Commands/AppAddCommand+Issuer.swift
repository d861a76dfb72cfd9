// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import TokenVault

extension AppAddCommand {
    /// Adds an application whose provider is discovered from its issuer, by the process that will
    /// use it: what that may reach counts.
    func addDiscovered(from issuer: String) async throws {
        let secret = try clientSecret.read()
        let privateKey = try signingKey.read()
        let door = try await options.door()
        defer { door.close() }
        var found: Discovery?
        try await door.ask(.discover(issuer: issuer)) { reply in
            if case .discovery(let form) = reply { found = form.discovery }
        }
        guard let discovery = found else { throw Self.unexpected }
        let (discovered, provider, given) = try await combined(discovery)
        var form = try form(
            provider, hasSecret: secret != nil, keyBytes: SigningKeyForm.byteCount(privateKey))
        try check(discovery, provider, values: form.values ?? [:])
        form.discovery = DiscoveryRecordForm(discovered.record(without: given))
        let old = try await application(at: door)
        try checkChanges(from: old, to: form, given: given)
        try Self.warn(discovered.warnings + warnings(discovery, provider))
        try await store(
            form, secret: SigningKeyForm.joined(secret, privateKey), over: old, at: door)
    }

    private static var unexpected: CommandFailure {
        CommandFailure(.internalFault, "the serving process is of another version: restart it")
    }

    /// What is discovered, with what the definition and the options say beside it; and the settings
    /// that these give.
    private func combined(
        _ discovery: Discovery
    ) async throws -> (DiscoveredProvider, Provider, Set<String>) {
        var provider = try discovery.skeleton(named: definition == nil ? id : nil)
        var given: Set<String> = []
        if let definition {
            let entry = try ProviderDefinition(definition).entry(over: provider)
            (provider, given) = (entry.provider, entry.givenSettings)
        }
        if let authentication {
            let method = SettingValue(.text(authentication))
            do throws(SettingError) {
                try ProviderSetting["client_authentication"]?.set(&provider, to: method)
            } catch {
                throw CommandFailure(.usage, "--auth: \(error.description)")
            }
            given.insert("client_authentication")
        }
        if isPublic { provider.clientAuthentication = .none }
        let isSettled = isPublic || given.contains("client_authentication")
        let discovered = try discovery.provider(
            named: provider.name,
            authentication: isSettled
                ? provider.clientAuthentication : signingKey.isGiven ? .privateKeyJWT : nil)
        return (discovered, discovered.completing(provider, without: given), given)
    }

    /// That the definition does not contradict the documents, with the place where it does.
    private func check(
        _ discovery: Discovery, _ provider: Provider, values: [String: String]
    ) throws {
        do throws(DiscoveryError) {
            try discovery.check(provider, values: values)
        } catch {
            guard let definition, let setting = error.member else { throw error }
            let place = ProviderDefinition(definition).place(of: setting)
            throw CommandFailure(.misconfigured, "\(place): \(error.description)")
        }
    }

    /// That the same issuer does not say all at once that secrets go elsewhere.
    ///
    /// - Parameter given: settings that somebody else says.
    private func checkChanges(
        from old: ApplicationForm?, to new: ApplicationForm, given: Set<String>
    ) throws {
        guard replace, !acceptChange, let old, old.discovery != nil,
            old.provider.provider.issuer == new.provider.provider.issuer
        else { return }
        // How the client authenticates is often said by an option.
        var said = given.intersection(["client_authentication", "revocation"])
        if isPublic || signingKey.isGiven { said.insert("client_authentication") }
        let changes = ProviderChange.all(from: old.provider.provider, to: new.provider.provider)
            .filter { $0.needsApproval && !said.contains($0.setting) }
        guard !changes.isEmpty else { return }
        throw Self.unaccepted(changes.map(ProviderChangeForm.init))
    }

    /// Shows changes that need approval.
    static func unaccepted(_ changes: [ProviderChangeForm]) -> CommandFailure {
        for change in changes { try? Outlet.errors.line(change.line.printable) }
        return CommandFailure(
            .misconfigured,
            "the issuer says otherwise than before, and nothing was changed: ask the provider "
                + "whether that is right, and give --accept-change if it is")
    }

    private func warnings(_ discovery: Discovery, _ provider: Provider) -> [String] {
        discovery.unlisted(scopes).map { scope in
            "the issuer does not list the scope \"\(scope)\" (scopes_supported); it is asked for "
                + "all the same"
        }
    }

    /// Says what a person should know.
    static func warn(_ warnings: [String]) throws {
        for warning in warnings {
            try Outlet.errors.line("tokenvault: warning: \(warning.printable)")
        }
    }
}
