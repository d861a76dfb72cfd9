// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A provider as JSON has it: the keys and values of a definition, which can be read as one.
struct ProviderForm: Codable, Sendable {
    let provider: Provider

    init(_ provider: Provider) { self.provider = provider }

    var name: String { provider.name }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for setting in ProviderSetting.all {
            guard let value = setting.value(of: provider) else { continue }
            try container.encode(ValueForm(value: value), forKey: Key(stringValue: setting.key))
        }
    }

    /// Whoever knows more settings than this version means something that is not understood here.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var provider = ProviderSetting.unknown
        for key in container.allKeys {
            guard let setting = ProviderSetting[key.stringValue] else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "an unknown setting")
            }
            let form = try container.decode(ValueForm.self, forKey: key)
            try setting.set(&provider, to: form.value)
        }
        self.provider = provider
    }

    fileprivate struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// The value of one setting.
private struct ValueForm: Codable {
    let value: SettingValue

    init(value: SettingValue) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        if case .object(let members) = value.content {
            var container = encoder.container(keyedBy: ProviderForm.Key.self)
            for (name, value) in members {
                let key = ProviderForm.Key(stringValue: name)
                try container.encode(ValueForm(value: value), forKey: key)
            }
            return
        }
        var container = encoder.singleValueContainer()
        switch value.content {
        case .nothing, .object: try container.encodeNil()
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list.map { ValueForm(value: $0) })
        }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: ProviderForm.Key.self) {
            let members = try container.allKeys.map { key in
                (key.stringValue, try container.decode(ValueForm.self, forKey: key).value)
            }
            value = SettingValue(.object(members))
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = SettingValue(.nothing)
        } else if let flag = try? container.decode(Bool.self) {
            value = SettingValue(.flag(flag))
        } else if let number = try? container.decode(Int64.self) {
            value = SettingValue(.number(number))
        } else if let text = try? container.decode(String.self) {
            value = SettingValue(.text(text))
        } else {
            let list = try container.decode([ValueForm].self)
            value = SettingValue(.list(list.map(\.value)))
        }
    }
}
