// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault provider discover`.
struct ProviderDiscoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Show the definition that an issuer's own documents lead to.",
        discussion: """
            The documents are those of RFC 8414 (/.well-known/oauth-authorization-server) and of \
            OpenID Connect Discovery (/.well-known/openid-configuration). What is shown says where \
            each value comes from; it can be saved, changed and given to `app add --provider` as a \
            file, without --issuer: then nothing is fetched any more.

            EXAMPLES
              tokenvault provider discover https://accounts.google.com
              tokenvault provider discover https://login.example.com/realms/acme > acme.yaml
            """)

    @Argument(help: "The issuer: https, a host, perhaps a path.")
    var issuer: String

    @Flag(name: .customLong("public"), help: "For a public client: it has no secret.")
    var isPublic = false

    @OptionGroup var network: NetworkOptions

    func run() async throws {
        let discovery = try await Vault.discover(issuer, settings: network.settings())
        let discovered = try discovery.provider(isPublic: isPublic)
        try Outlet.output.write(
            discovery.yaml(discovered).map { $0.printable + "\n" }.joined())
        try AppAddCommand.warn(discovered.warnings)
    }
}

extension Discovery {
    /// The definition, line by line, each setting with where it comes from.
    fileprivate func yaml(_ discovered: DiscoveredProvider) -> [String] {
        let origins = Dictionary(
            discovered.settings.map { ($0.key, $0.origin) }, uniquingKeysWith: { first, _ in first }
        )
        var lines = ["# Discovered from \(issuer) on \(fetched.text.prefix(10)); read:"]
        lines += documents.map { "#   \($0)" }
        lines += discovered.warnings.map { "# Note: \($0)" }
        for setting in ProviderSetting.all {
            let value = setting.value(of: discovered.provider)
            let isDefault = setting.isDefault(in: discovered.provider)
            guard let value, !isDefault || origins[setting.key] != nil else { continue }
            let origin = origins[setting.key].map { "  # \($0)" } ?? ""
            lines.append("\(setting.key): \(value.yaml)\(origin)")
        }
        if let scopes = metadata.list(.scopesSupported) {
            lines.append("# Scopes (scopes_supported): \(scopes.joined(separator: " "))")
        }
        if let grants = metadata.list(.grantTypesSupported) {
            lines.append("# Grants (grant_types_supported): \(grants.joined(separator: " "))")
        }
        return lines
    }
}

extension SettingValue {
    /// In YAML's flow style, on one line.
    fileprivate var yaml: String {
        switch content {
        case .nothing: "null"
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .text(let text): Self.quoted(text)
        case .list(let list): "[" + list.map(\.yaml).joined(separator: ", ") + "]"
        case .object(let members):
            "{ "
                + members.map { "\(Self.quoted($0.name)): \($0.value.yaml)" }
                .joined(separator: ", ") + " }"
        }
    }

    /// A word stands by itself; anything else is a string of JSON's, which is YAML's too.
    private static func quoted(_ text: String) -> String {
        let isWord = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
        }
        if isWord, !text.isEmpty, !["true", "false", "null", "yes", "no"].contains(text) {
            return text
        }
        return (try? JSONLine.of(text)) ?? "\"\""
    }
}
