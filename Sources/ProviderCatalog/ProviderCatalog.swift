// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// Provider definitions as people write them: YAML, or JSON, which is YAML too.
///
/// ```yaml
/// name: example
/// authorization_endpoint: https://login.example.com/authorize
/// token_endpoint: https://login.example.com/token
/// revocation_endpoint: https://login.example.com/revoke
/// client_authentication: basic    # basic_raw, post, none, secret_as_user, bearer
/// authorization_parameters: { access_type: offline }
/// ```
///
/// A key that is not known is an error, never passed over: a misspelt `revocation_endpoint` would
/// otherwise be found out at the first disconnect.
public enum ProviderCatalog {
    /// The longest definition, in bytes.
    public static let fileBytesMax = YAMLMapping.fileBytesMax

    /// The names of the providers that the catalog has, in order.
    public static let names = ShippedDefinition.all.map(\.name).sorted()

    /// The provider of a name; nil where the catalog has none.
    public static func entry(named name: String) throws(DefinitionError) -> CatalogEntry? {
        guard let text = text(named: name) else { return nil }
        return try entry(text: text, file: name)
    }

    /// The definition of a name as it was written, to begin one's own with.
    public static func text(named name: String) -> String? {
        ShippedDefinition.all.first { $0.name == name }
            .map { String(decoding: $0.bytes(), as: UTF8.self) }
    }

    /// Reads a definition from a file, and what it says about its facts.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func entry(file path: String) throws(DefinitionError) -> CatalogEntry {
        try entry(text: YAMLMapping.text(ofFile: path), file: path)
    }

    /// Reads a definition that may leave out what is known without it: from a file, or of the
    /// catalog.
    ///
    /// - Returns: nil where the catalog has none of this name.
    package static func entry(
        file path: String, isName: Bool, over base: Provider
    ) throws(DefinitionError) -> CatalogEntry? {
        guard let text = isName ? text(named: path) : try YAMLMapping.text(ofFile: path)
        else { return nil }
        return try definition(text, file: path).entry(over: base)
    }

    /// The same from its text; `file` only names it in errors.
    package static func entry(
        text: String, file: String
    ) throws(DefinitionError) -> CatalogEntry {
        try definition(text, file: file).entry()
    }

    /// Reads a definition from a file.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func load(_ path: String) throws(DefinitionError) -> Provider {
        try parse(YAMLMapping.text(ofFile: path), file: path)
    }

    /// Reads a definition from its text; `file` only names it in errors.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func parse(
        _ text: String, file: String = "definition"
    ) throws(DefinitionError) -> Provider {
        try definition(text, file: file).provider()
    }

    private static func definition(
        _ text: String, file: String
    ) throws(DefinitionError) -> Definition {
        try Definition(YAMLMapping(text, file: file))
    }

    /// `file:line` of a setting, for an error about what it says; `file` alone where that cannot be
    /// told.
    package static func place(of setting: String, in path: String) -> String {
        do throws(DefinitionError) {
            let line = try definition(YAMLMapping.text(ofFile: path), file: path).line(of: setting)
            return line.map { "\(path):\($0)" } ?? path
        } catch {
            return path
        }
    }
}
