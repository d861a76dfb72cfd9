// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

/// One definition on its way from YAML to a `Provider`.
struct Definition {
    private let file: String
    private var values: [String: SettingValue] = [:]

    init(_ mapping: YAMLMapping) throws(DefinitionError) {
        file = mapping.file
        for (name, line, value) in mapping.members {
            guard ProviderSetting[name] != nil || EntryKey(rawValue: name) != nil else {
                let known = ProviderSetting.all.map(\.key) + EntryKey.allCases.map(\.rawValue)
                let hint =
                    ForeignKey.hints[name]
                    ?? Spelling.nearest(to: name, among: known).map { "did you mean \($0)?" }
                    ?? "`tokenvault app add --help` lists the settings"
                throw DefinitionError(
                    file: file, line: line,
                    message: "unknown key \"\(name)\": \(hint)")
            }
            values[name] = value
        }
    }

    /// Where a setting stands, from 1; nil where it is left out.
    func line(of setting: String) -> Int? { values[setting]?.line }

    /// The provider, and what is said about it.
    ///
    /// - Parameter base: what is known without the definition.
    func entry(
        over base: Provider = ProviderSetting.unknown
    ) throws(DefinitionError) -> CatalogEntry {
        var entry = CatalogEntry(try provider(over: base))
        entry.givenSettings = Set(values.keys.filter { ProviderSetting[$0] != nil })
        do throws(SettingError) {
            for key in EntryKey.allCases {
                if let value = values[key.rawValue] { try key.set(&entry, to: value) }
            }
        } catch {
            throw placed(error)
        }
        return entry
    }

    func provider(
        over base: Provider = ProviderSetting.unknown
    ) throws(DefinitionError) -> Provider {
        var provider = base
        for setting in ProviderSetting.all
        where setting.isRequired && values[setting.key] == nil
            && setting.value(of: base)?.text?.isEmpty != false
        {
            throw DefinitionError(file: file, message: "\(setting.key) is missing")
        }
        do throws(SettingError) {
            for setting in ProviderSetting.all {
                if let value = values[setting.key] { try setting.set(&provider, to: value) }
            }
            try provider.check()
        } catch {
            throw placed(error)
        }
        return provider
    }

    private func placed(_ error: SettingError) -> DefinitionError {
        DefinitionError(
            file: file, line: error.line ?? values[error.setting]?.line,
            message: error.description)
    }
}
