// SPDX-License-Identifier: Apache-2.0

// The form of what assertions say.

extension SettingForm where Value == [Provider.Parameter] {
    /// Names and values, of which there may be none; in a record a pair without a name says that.
    static var claims: Self {
        let pairs = pairs(
            "names and values", of: .claim, countMax: Provider.assertionClaimsMax, key: { $0 })
        return Self(
            words: "\(pairs.words), or {}", read: pairs.read, show: pairs.show, kind: pairs.kind,
            store: { $0.isEmpty ? [.pair("", "")] : pairs.store($0) },
            restore: { pairs.restore($0.filter { $0 != .pair("", "") }) })
    }
}

extension SettingForm where Value == Provider.Parameter {
    /// A claim (RFC 7519 section 4) whose value is a text.
    fileprivate static var claim: Self {
        let parameter = parameter(Provider.tokenParameterValueBytesMax)
        return pair { name, value throws(SettingError) in
            // It stands in JSON as it is.
            let isPlain = (name.text ?? "").utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
            guard isPlain else {
                throw name.refused(wanted: "a claim's name: ASCII without spaces and quotes")
            }
            return try parameter.read(SettingValue(.list([name, value]), line: name.line))
        }
    }
}
