// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

/// The keys of a definition that are no settings: what a catalog says about the provider.
enum EntryKey: String, CaseIterable {
    case title, verified, facts

    /// The longest text of one of them, in bytes.
    static let textBytesMax = 256
    /// The most sources, and the most settings that are named as unverified.
    static let listCountMax = 64

    /// Puts the value where it belongs.
    ///
    /// - Throws: what it is, and what would do.
    func set(_ entry: inout CatalogEntry, to value: SettingValue) throws(SettingError) {
        do throws(SettingError) {
            switch self {
            case .title: entry.title = try Self.text(value)
            case .verified:
                guard let flag = value.flag else { throw value.refused(wanted: "true or false") }
                entry.isVerified = flag
            case .facts: try Self.setFacts(&entry, to: value)
            }
        } catch {
            var error = error
            error.setting = rawValue
            throw error
        }
    }

    private static func setFacts(
        _ entry: inout CatalogEntry, to value: SettingValue
    ) throws(SettingError) {
        let words = "date, sources and unverified"
        guard case .object(let members) = value.content else {
            throw value.refused(wanted: words)
        }
        for member in members {
            switch member.name {
            case "date": entry.factsDate = try text(member.value)
            case "sources": entry.sources = try texts(member.value)
            case "unverified":
                entry.unverifiedSettings = try texts(member.value)
                for name in entry.unverifiedSettings where ProviderSetting[name] == nil {
                    throw member.value.refused(
                        wanted: "the keys of settings", problem: "names \"\(name)\", which is none")
                }
            default:
                throw member.value.refused(
                    wanted: words, problem: "has the name \"\(member.name)\"")
            }
        }
    }

    private static func text(_ value: SettingValue) throws(SettingError) -> String {
        guard let text = value.text, !text.isEmpty, text.utf8.count <= textBytesMax else {
            throw value.refused(wanted: "a text of 1 to \(textBytesMax) bytes")
        }
        return text
    }

    private static func texts(_ value: SettingValue) throws(SettingError) -> [String] {
        guard let list = value.list, list.count <= listCountMax else {
            throw value.refused(wanted: "a list of at most \(listCountMax) texts")
        }
        var texts: [String] = []
        for value in list { texts.append(try text(value)) }
        return texts
    }
}
