// SPDX-License-Identifier: Apache-2.0

// Settings that are objects: each member is a row of a list, as each setting is one of
// `ProviderSetting`.

/// One member of a setting that is an object. A dot in its name stands for an object within:
/// `success.statuses` is `statuses` of `success`.
struct ObjectMember<Value>: Sendable {
    let name: String
    /// Sets it to what a definition gives.
    let read: @Sendable (inout Value, SettingValue) throws(SettingError) -> Void
    /// It as a definition would give it; nil for the default.
    let show: @Sendable (Value) -> SettingValue.Content?
    /// What its fields hold, the name of the member left out: what follows the name, and a value.
    let store: @Sendable (Value) -> [(suffix: String, value: String)]
    /// Sets it to what one of its fields holds, or adds that. False where that is nothing that is
    /// known.
    let restore: @Sendable (inout Value, _ suffix: String, _ value: String) -> Bool
}

extension ObjectMember {
    typealias Path<Part> = any WritableKeyPath<Value, Part> & Sendable

    /// One of a few words.
    static func word<Word: RawRepresentable & CaseIterable & Equatable & Sendable>(
        _ name: String, _ path: Path<Word>, default usual: Word
    ) -> Self where Word.RawValue == String {
        let list = Word.allCases.map(\.rawValue)
        let words =
            (list.count > 1 ? list.dropLast().joined(separator: ", ") + " or " : "")
            + (list.last ?? "")
        return Self(
            name: name,
            read: { whole, value throws(SettingError) in
                guard let word = value.text.flatMap(Word.init(rawValue:)) else {
                    throw value.refused(wanted: words)
                }
                whole[keyPath: path] = word
            },
            show: { $0[keyPath: path] == usual ? nil : .text($0[keyPath: path].rawValue) },
            store: { [("", $0[keyPath: path].rawValue)] },
            restore: { whole, suffix, text in
                guard suffix.isEmpty, let word = Word(rawValue: text) else { return false }
                whole[keyPath: path] = word
                return true
            })
    }

    /// A flag.
    static func flag(_ name: String, _ path: Path<Bool>, default usual: Bool) -> Self {
        Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try SettingForm<Bool>.flag.read(value)
            },
            show: { $0[keyPath: path] == usual ? nil : .flag($0[keyPath: path]) },
            store: { [("", $0[keyPath: path] ? "true" : "false")] },
            restore: { whole, suffix, text in
                guard suffix.isEmpty, text == "true" || text == "false" else { return false }
                whole[keyPath: path] = text == "true"
                return true
            })
    }

    /// A text, the default where it is not there.
    static func text(
        _ name: String, _ path: Path<String>, default usual: String, _ form: SettingForm<String>
    ) -> Self {
        Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try form.read(value)
            },
            show: { $0[keyPath: path] == usual ? nil : form.show($0[keyPath: path]) },
            store: { $0[keyPath: path] == usual ? [] : [("", $0[keyPath: path])] },
            restore: { whole, suffix, text in
                whole[keyPath: path] = text
                return suffix.isEmpty
            })
    }

    /// A list of texts.
    static func texts(
        _ name: String, _ path: Path<[String]>, _ form: SettingForm<String>, countMax: Int
    ) -> Self {
        let list = SettingForm<[String]>.list(of: form, countMax: countMax)
        return Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try list.read(value)
            },
            show: { $0[keyPath: path].isEmpty ? nil : list.show($0[keyPath: path]) },
            store: { whole in whole[keyPath: path].map { ("", $0) } },
            restore: { whole, suffix, text in
                whole[keyPath: path].append(text)
                return suffix.isEmpty
            })
    }

    /// A list of numbers.
    static func numbers(
        _ name: String, _ path: Path<[Int]>, _ range: ClosedRange<Int>, countMax: Int
    ) -> Self {
        let list = SettingForm<[Int]>.list(of: .count(range), countMax: countMax)
        return Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try list.read(value)
            },
            show: { $0[keyPath: path].isEmpty ? nil : list.show($0[keyPath: path]) },
            store: { whole in whole[keyPath: path].map { ("", "\($0)") } },
            restore: { whole, suffix, text in
                guard suffix.isEmpty, let number = Int(text) else { return false }
                whole[keyPath: path].append(number)
                return true
            })
    }

    /// Names and values.
    static func parameters(
        _ name: String, _ path: Path<[Provider.Parameter]>,
        _ form: SettingForm<[Provider.Parameter]>
    ) -> Self {
        Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try form.read(value)
            },
            show: { $0[keyPath: path].isEmpty ? nil : form.show($0[keyPath: path]) },
            store: { whole in whole[keyPath: path].map { (".\($0.name)", $0.value) } },
            restore: { whole, suffix, text in
                guard suffix.hasPrefix(".") else { return false }
                whole[keyPath: path].append(.init(String(suffix.dropFirst()), text))
                return true
            })
    }
}

extension SettingForm {
    /// An object of these members, each optional. What several of them say together is checked by
    /// `conflict`: the member that is wrong, what it is, and what would do.
    static func object(
        of members: [ObjectMember<Value>], empty: Value, words: String,
        conflict: @escaping @Sendable (Value) -> ObjectConflict? = { _ in nil }
    ) -> Self {
        Self(
            words: words,
            read: { value throws(SettingError) in
                var whole = empty
                guard case .object(let given) = value.content else {
                    throw value.refused(wanted: words)
                }
                var seen: Set<String> = []
                for (name, part) in try flat(given, of: members) {
                    guard seen.insert(name).inserted else {
                        throw SettingError(
                            setting: "", value: name, wanted: "write it once",
                            problem: "is there twice", line: part.line)
                    }
                    guard let member = members.first(where: { $0.name == name }) else {
                        throw SettingError(
                            setting: "", value: name,
                            wanted: "write one of " + list(members.map(\.name)),
                            problem: "is no member of it", line: part.line)
                    }
                    do throws(SettingError) {
                        try member.read(&whole, part)
                    } catch {
                        throw error.inside(name)
                    }
                }
                if let conflict = conflict(whole) {
                    let part = try flat(given, of: members).first { $0.name == conflict.member }
                    throw SettingError(
                        setting: "", value: "\(conflict.member): \(conflict.value)",
                        wanted: conflict.wanted, problem: conflict.problem,
                        line: part?.value.line ?? value.line)
                }
                return whole
            },
            show: { whole in .object(nested(members, whole)) },
            kind: .pair,
            store: { whole in
                members.flatMap { member in
                    member.store(whole).map { .pair(member.name + $0.suffix, $0.value) }
                }
            },
            restore: { fields in
                var whole = empty
                for field in fields {
                    guard case .pair(let name, let value) = field,
                        let member = members.first(where: {
                            name == $0.name || name.hasPrefix($0.name + ".")
                        }),
                        member.restore(&whole, String(name.dropFirst(member.name.count)), value)
                    else { return nil }
                }
                return whole
            })
    }

    private static func list(_ names: [String]) -> String {
        names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    }

    /// The members of an object, those of one within under both names.
    private static func flat(
        _ given: [(name: String, value: SettingValue)], of members: [ObjectMember<Value>]
    ) throws(SettingError) -> [(name: String, value: SettingValue)] {
        var all: [(name: String, value: SettingValue)] = []
        for (name, part) in given {
            guard members.contains(where: { $0.name.hasPrefix(name + ".") }) else {
                all.append((name, part))
                continue
            }
            guard case .object(let inner) = part.content else {
                throw part.refused(wanted: "an object").inside(name)
            }
            all += inner.map { ("\(name).\($0.name)", $0.value) }
        }
        return all
    }

    /// What differs from the default, as a definition would have it.
    private static func nested(
        _ members: [ObjectMember<Value>], _ whole: Value
    ) -> [(name: String, value: SettingValue)] {
        var shown: [(name: String, value: SettingValue)] = []
        for member in members {
            guard let content = member.show(whole) else { continue }
            let parts = member.name.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                shown.append((member.name, SettingValue(content)))
                continue
            }
            let inner = (name: parts[1], value: SettingValue(content))
            if let last = shown.last, last.name == parts[0],
                case .object(let before) = last.value.content
            {
                shown[shown.count - 1].value = SettingValue(.object(before + [inner]))
            } else {
                shown.append((parts[0], SettingValue(.object([inner]))))
            }
        }
        return shown
    }
}

extension SettingError {
    /// The same of a member of an object.
    fileprivate func inside(_ member: String) -> SettingError {
        SettingError(
            setting: setting, value: "\(member): \(value)", wanted: wanted, problem: problem,
            line: line)
    }
}

/// Members of an object that cannot be together.
struct ObjectConflict {
    /// The one to be changed, what it is, and what would do.
    let member: String
    let value: String
    let wanted: String
    /// What is wrong with it; nil where "is not" and `wanted` say it.
    let problem: String?
}
