// SPDX-License-Identifier: Apache-2.0

@testable package import TokenVault

// Values of settings as a definition writes them.
extension SettingValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self.init(.text(text)) }
    package init(integerLiteral number: Int64) { self.init(.number(number)) }
    package init(booleanLiteral flag: Bool) { self.init(.flag(flag)) }
    package init(arrayLiteral elements: SettingValue...) { self.init(.list(elements)) }
    package init(dictionaryLiteral elements: (String, SettingValue)...) {
        self.init(.object(elements.map { (name: $0.0, value: $0.1) }))
    }
}

extension Provider {
    /// The provider with a setting as a definition gives it.
    func with(_ key: String, _ value: SettingValue) throws -> Provider {
        var provider = self
        guard let setting = ProviderSetting[key] else {
            throw SettingError(setting: key, value: key, wanted: "a setting", line: nil)
        }
        try setting.set(&provider, to: value)
        return provider
    }
}
