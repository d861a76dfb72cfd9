// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// A value that a definition leaves open, such as a shop's name or a region: it stands as
    /// `{name}` in endpoints. Values are no secrets.
    public struct Variable: Hashable, Sendable {
        /// The value where nobody gives one; nil where somebody has to.
        public var defaultValue: String?
        /// A POSIX extended regular expression that the whole value must match; at most 128 bytes,
        /// without back references. Nil takes any.
        public var pattern: String?
        /// The hosts of which the value's host must be one, or under one: `example.com` takes
        /// `example.com` and `eu.example.com`, and `.example.com` only the latter. At most 16.
        /// Needed where the value is the front of a URL, scheme and all, and where it comes with
        /// the callback and the host ends with it.
        public var hostSuffixes: [String]
        /// The parameter of the callback that brings the value; nil where none does. It comes
        /// before what was given to `connect`.
        public var callbackParameter: String?

        /// A variable.
        public init(
            defaultValue: String? = nil, pattern: String? = nil, hostSuffixes: [String] = [],
            callbackParameter: String? = nil
        ) {
            self.defaultValue = defaultValue
            self.pattern = pattern
            self.hostSuffixes = hostSuffixes
            self.callbackParameter = callbackParameter
        }
    }

    /// The most variables, and of either kind of values that are captured.
    public static let variablesMax = 16
    /// The most hosts of a variable, and the most `resourceHosts`.
    public static let hostsMax = 16
    /// The longest value of a variable, in bytes.
    public static let variableValueBytesMax = URLTemplate.valueBytesMax

    /// Checks values of variables: that each is of a variable, and is what it may be; that none is
    /// missing for which nothing else is known.
    ///
    /// - Throws: which value it is, and what would do.
    public func check(values: [String: String]) throws(SettingError) {
        do throws(TemplateFault) {
            try checkGiven(values)
            _ = try filled(with: values, awaitsCallback: true)
        } catch {
            throw SettingError(error)
        }
    }

    /// Checks the values that there are, each by itself.
    ///
    /// - Throws: which value it is, and what would do.
    package func check(given values: [String: String]) throws(SettingError) {
        do throws(TemplateFault) { try checkGiven(values) } catch { throw SettingError(error) }
    }

    /// The settings in which variables may stand, by their keys.
    var templates: [(setting: String, text: String)] {
        [
            ("authorization_endpoint", authorizationEndpoint), ("token_endpoint", tokenEndpoint),
            ("refresh_endpoint", refreshEndpoint ?? ""),
            ("revocation_endpoint", revocationEndpoint ?? ""), ("issuer", issuer ?? ""),
            ("lookup", lookup?.url ?? ""),
            ("device_authorization_endpoint", deviceAuthorizationEndpoint ?? ""),
        ]
    }

    /// What is known of a connection when a token of it is revoked, or something is looked up: then
    /// these names may stand behind the host, beside variables.
    func isKnownLater(_ name: String, in setting: String) -> Bool {
        guard setting == "lookup" || setting == "revocation_endpoint" && revocation != nil else {
            return false
        }
        return name == "client_id" || capturedNames.contains(name)
    }

    /// The value of a variable: the one that is given, or else the default.
    func value(_ name: String, in values: [String: String]) -> String? {
        values[name] ?? variables[name]?.defaultValue
    }

    /// The values of all variables that have one.
    func allValues(_ values: [String: String]) -> [String: String] {
        var all = variables.compactMapValues(\.defaultValue)
        for (name, value) in values where variables[name] != nil { all[name] = value }
        return all
    }

    /// Checks each value by itself, and where it stands.
    func checkGiven(_ values: [String: String]) throws(TemplateFault) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let variable = variables[name] else {
                let known = variables.keys.sorted().joined(separator: ", ")
                throw TemplateFault(
                    name, value,
                    known.isEmpty
                        ? "wanted: the provider's definition has no variables" : "one of \(known)")
            }
            try URLTemplate.check(value, of: name)
            guard let pattern = variable.pattern, !ValuePattern.matches(pattern, value) else {
                continue
            }
            throw TemplateFault(name, value, "a value that matches \(pattern)")
        }
        for (_, text) in templates {
            guard URLTemplate.isTemplate(text) else { continue }
            for placeholder in try URLTemplate(text).placeholders {
                guard let value = values[placeholder.name] else { continue }
                let hosts = variables[placeholder.name]?.hostSuffixes ?? []
                _ = try URLTemplate.text(of: value, in: placeholder, hosts)
            }
        }
    }

    /// A URL of the definition's with values filled in.
    func filled(
        _ text: String, with values: [String: String]
    ) throws(TemplateFault) -> String {
        guard URLTemplate.isTemplate(text) else { return text }
        return try URLTemplate(text).filled(
            { value($0, in: values) }, hosts: { variables[$0]?.hostSuffixes ?? [] },
            isLater: { variables[$0] == nil })
    }

    /// The provider as it is for certain values. Without variables it is what it is.
    ///
    /// - Parameter awaitsCallback: before there is a callback: what needs a value of it stays a
    ///   template, but for the authorization endpoint.
    func filled(
        with values: [String: String], awaitsCallback: Bool = false
    ) throws(TemplateFault) -> Provider {
        guard !variables.isEmpty else { return self }
        func fill(_ text: String) throws(TemplateFault) -> String {
            do throws(TemplateFault) {
                return try filled(text, with: values)
            } catch {
                guard awaitsCallback, error.value == nil, let name = error.name,
                    variables[name]?.callbackParameter != nil
                else { throw error }
                return text
            }
        }
        var provider = self
        provider.authorizationEndpoint = try filled(authorizationEndpoint, with: values)
        provider.tokenEndpoint = try fill(tokenEndpoint)
        if let refreshEndpoint { provider.refreshEndpoint = try fill(refreshEndpoint) }
        if let revocationEndpoint {
            provider.revocationEndpoint = try fill(revocationEndpoint)
        }
        if let deviceAuthorizationEndpoint {
            provider.deviceAuthorizationEndpoint = try fill(deviceAuthorizationEndpoint)
        }
        if let issuer { provider.issuer = try fill(issuer) }
        if let lookup { provider.lookup?.url = try fill(lookup.url) }
        if let assertionAudience {
            let text = Template.filled(assertionAudience, allValues(values), in: .plain)
            provider.assertionAudience = text ?? assertionAudience
        }
        return provider
    }
}

extension SettingError {
    /// About a value of a variable.
    init(_ fault: TemplateFault) {
        self.init(
            setting: fault.name ?? "variables", value: fault.value ?? "no value",
            wanted: fault.wanted, line: nil)
    }
}

extension VaultError {
    /// The same for whoever has only numbers.
    init(_ fault: TemplateFault, _ code: Code) {
        self.init(
            code, .authorize, fault.value == nil ? .valueMissing : .valueRefused, .variable)
    }
}
