// SPDX-License-Identifier: Apache-2.0

// What differs from connection to connection.

extension ProviderSetting {
    static let connections: [ProviderSetting] = [
        ProviderSetting(
            "variables", 60, \.variables, .variables,
            "What stands in braces in the endpoints and is a connection's own, such as a shop's "
                + "name or a region."),
        ProviderSetting(
            "resource_hosts", 61, \.resourceHosts,
            .list(of: .resourceHost, countMax: Provider.hostsMax),
            "Further hosts of the provider's API, kept for whoever calls it; the vault sends "
                + "nothing there."),
        ProviderSetting(
            "captured_from_callback", 62, \.capturedFromCallback, .capturedParameters,
            "Which parameters of the callback are kept with the tokens, and under which name."),
    ]
}

extension Provider {
    /// The names of what is captured when somebody connects, by setting.
    private var captured: [(setting: String, names: [String])] {
        [
            ("captured_from_callback", capturedFromCallback.keys.sorted()),
            ("captured_from_reply", capturedFromReply.map(\.name)),
            ("lookup", lookup?.values.map(\.name) ?? []),
        ]
    }

    var capturedNames: Set<String> { Set(captured.flatMap(\.names)) }

    /// Checks the templates, and what variables have to say for themselves where they stand.
    func checkVariables() throws(SettingError) {
        for (setting, text) in templates { try checkTemplate(setting, text) }
        for host in resourceHosts where URLTemplate.isTemplate(host) {
            let url = host.hasPrefix("{") && host.hasSuffix("}") ? host : "https://" + host
            let placeholders = try Self.placeholders("resource_hosts", url)
            for placeholder in placeholders where variables[placeholder.name] == nil {
                guard capturedNames.contains(placeholder.name) else {
                    throw undeclared(placeholder.name, "resource_hosts")
                }
            }
        }
        for (setting, names) in captured {
            guard let name = names.first(where: { variables[$0] != nil }) else { continue }
            let isCallback = setting == "captured_from_callback"
            throw SettingError(
                setting: setting, value: "\"\(name)\"",
                wanted: isCallback
                    ? "another name, or give the variable the parameter (callback)"
                    : "another name",
                problem: "is a variable, too", line: nil)
        }
        do throws(TemplateFault) {
            try checkGiven(variables.compactMapValues(\.defaultValue))
        } catch {
            throw SettingError(
                setting: "variables", value: "the default \(error.value ?? "")",
                wanted: error.wanted, line: nil)
        }
    }

    private static func placeholders(
        _ setting: String, _ text: String
    ) throws(SettingError) -> [URLTemplate.Placeholder] {
        do throws(TemplateFault) {
            return try URLTemplate(text).placeholders
        } catch {
            throw SettingError(
                setting: setting, value: error.value ?? "", wanted: error.wanted, line: nil)
        }
    }

    private func undeclared(_ name: String, _ setting: String) -> SettingError {
        if setting == "revocation_endpoint", name == "client_id" || capturedNames.contains(name) {
            return SettingError(
                setting: setting, value: "{\(name)}",
                wanted: "add revocation, which says how the request is made",
                problem: "stands there only with revocation, and behind the host", line: nil)
        }
        return SettingError(
            setting: setting, value: "{\(name)}", wanted: "declare it there, or take it out",
            problem: "is not among variables", line: nil)
    }

    private func checkTemplate(_ setting: String, _ text: String) throws(SettingError) {
        for placeholder in try Self.placeholders(setting, text) {
            guard let variable = variables[placeholder.name] else {
                guard placeholder.place == .rest, isKnownLater(placeholder.name, in: setting) else {
                    throw undeclared(placeholder.name, setting)
                }
                continue
            }
            if let (problem, wanted) = Self.fault(placeholder.place, variable) {
                throw SettingError(
                    setting: setting, value: "{\(placeholder.name)}", wanted: wanted,
                    problem: problem,
                    line: nil)
            }
        }
    }

    /// What is wrong with a variable where it stands, and what would do.
    private static func fault(
        _ place: URLTemplate.Place, _ variable: Variable
    ) -> (problem: String, wanted: String)? {
        let suffixes = "give the variable host_suffixes, the hosts that it may name"
        switch place {
        case .origin where variable.hostSuffixes.isEmpty:
            return ("is a scheme and a host that anybody may choose", suffixes)
        case .host(let isEnd, _)
        where isEnd && variable.callbackParameter != nil && variable.hostSuffixes.isEmpty:
            return ("is a host that whoever calls the callback may choose", suffixes)
        case .host(let isEnd, let isWhole)
        where !variable.hostSuffixes.isEmpty && !(isEnd && isWhole):
            return (
                "has host_suffixes and is not the end of the host",
                "take host_suffixes out, or let the host end with it, behind a dot or alone"
            )
        default: return nil
        }
    }
}
