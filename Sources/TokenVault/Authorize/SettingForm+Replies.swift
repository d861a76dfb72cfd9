// SPDX-License-Identifier: Apache-2.0

// Forms of the settings that say how answers are read.

extension SettingForm where Value == Provider.ReplyMembers {
    /// Paths by the names of RFC 6749's members.
    static var replyMembers: Self {
        let names = Value.Name.allCases.map(\.rawValue).joined(separator: ", ")
        let words = "an object of paths for \(names)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard case .object(let given) = value.content else {
                    throw value.refused(wanted: words)
                }
                var members = Value()
                for (name, value) in given {
                    guard let known = Value.Name(rawValue: name) else {
                        throw SettingValue(.text(name), line: value.line).refused(
                            wanted: "one of \(names)")
                    }
                    guard members[keyPath: known.property] == nil else {
                        throw SettingValue(.text(name), line: value.line).refused(
                            wanted: "write it once", problem: "is there twice")
                    }
                    guard let text = value.text, ReplyPath(text) != nil else {
                        throw value.refused(wanted: ReplyPath.words)
                    }
                    members[keyPath: known.property] = text
                }
                return members
            },
            show: { members in
                .object(members.given.map { ($0.name.rawValue, SettingValue(.text($0.path))) })
            },
            kind: .pair,
            store: { members in members.given.map { .pair($0.name.rawValue, $0.path) } },
            restore: { fields in
                var members = Value()
                for field in fields {
                    guard case .pair(let name, let path) = field,
                        let known = Value.Name(rawValue: name)
                    else { return nil }
                    members[keyPath: known.property] = path
                }
                return members
            })
    }
}

extension SettingForm where Value == Provider.SuccessCode {
    /// A path and the values that lie there in a success.
    static var successCode: Self {
        let (countMax, bytesMax) = (Provider.successValuesMax, Provider.replyCodeBytesMax)
        let words = "{ member: a path, values: [...] }, with 1 to \(countMax) values"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let members = value.members("member", "values") else {
                    throw value.refused(wanted: words)
                }
                guard let member = members[0].text, let path = ReplyPath(member),
                    !path.namesSecret
                else { throw members[0].refused(wanted: ReplyPath.words + ", and of no secret") }
                guard let list = members[1].list, (1...countMax).contains(list.count) else {
                    throw members[1].refused(wanted: "a list of 1 to \(countMax) values")
                }
                var values: [String] = []
                for value in list {
                    guard let text = value.scalar, ReplyCode.isWord(text, bytesMax) else {
                        throw value.refused(
                            wanted: "a number, true, false, "
                                + "or a text of 1 to \(bytesMax) characters of ASCII")
                    }
                    values.append(text)
                }
                return Value(member: member, values: values)
            },
            show: { code in
                .object([
                    ("member", SettingValue(.text(code.member))),
                    ("values", SettingValue(.list(code.values.map { SettingValue(.text($0)) }))),
                ])
            },
            kind: .pair,
            store: { code in
                [.pair("member", code.member)] + code.values.map { .pair("value", $0) }
            },
            restore: { fields in
                guard case .pair("member", let member)? = fields.first else { return nil }
                var values: [String] = []
                for field in fields.dropFirst() {
                    guard case .pair("value", let value) = field else { return nil }
                    values.append(value)
                }
                return Value(member: member, values: values)
            })
    }
}

extension SettingForm where Value == Provider.TemporaryError {
    /// An error code, or a status with one or without.
    static var temporaryError: Self {
        let words =
            "an error code, or { status: ..., error: ... }, "
            + "with error: none where the answer names no error"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                if let code = value.text { return try ReplyCode.temporary(code, value) }
                guard let members = value.members("status", "error") else {
                    throw value.refused(wanted: words)
                }
                return try ReplyCode.temporary(members[0], members[1])
            },
            show: { answer in
                guard let status = answer.status else { return .text(answer.error ?? "none") }
                return .object([
                    ("status", SettingValue(.number(Int64(status)))),
                    ("error", SettingValue(.text(answer.error ?? "none"))),
                ])
            },
            kind: .pair,
            store: { [.pair($0.status.map { "\($0)" } ?? "", $0.error ?? "")] },
            restore: { fields in
                guard case .pair(let status, let error)? = fields.first,
                    status.isEmpty || Int(status) != nil, !status.isEmpty || !error.isEmpty
                else { return nil }
                return Value(status: Int(status), error: error.isEmpty ? nil : error)
            })
    }
}

extension SettingForm where Value == [Provider.CapturedMember] {
    /// Names of the operator's own, and paths: an object, or a list of pairs, which keeps their
    /// order in JSON too.
    static var capturedFromReply: Self {
        let countMax = Provider.capturedMax
        let words = "names and paths, at most \(countMax)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let pairs = value.pairs, pairs.count <= countMax else {
                    throw value.refused(wanted: words)
                }
                var captured: Value = []
                for (name, path) in pairs {
                    let element = try Provider.CapturedMember(name, path)
                    guard !captured.contains(where: { $0.name == element.name }) else {
                        throw name.refused(wanted: "write it once", problem: "is there twice")
                    }
                    captured.append(element)
                }
                return captured
            },
            show: { captured in
                .list(
                    captured.map {
                        SettingValue(
                            .list([SettingValue(.text($0.name)), SettingValue(.text($0.path))]))
                    })
            },
            kind: .pair, store: { captured in captured.map { .pair($0.name, $0.path) } },
            restore: { fields in
                var captured: Value = []
                for field in fields {
                    guard case .pair(let name, let path) = field else { return nil }
                    captured.append(Provider.CapturedMember(name, path: path))
                }
                return captured
            })
    }
}

extension Provider.CapturedMember {
    fileprivate init(_ name: SettingValue, _ path: SettingValue) throws(SettingError) {
        guard let nameText = name.text, CapturedName.isWellFormed(nameText) else {
            throw name.refused(wanted: CapturedName.words)
        }
        guard let pathText = path.text, let parsed = ReplyPath(pathText) else {
            throw path.refused(wanted: ReplyPath.words)
        }
        guard !parsed.namesSecret else {
            throw path.refused(
                wanted: "take it out: what is captured is shown to people",
                problem: "is the path of a secret")
        }
        self.init(nameText, path: pathText)
    }
}

extension SettingValue {
    /// A text, a number or a flag, as an answer would have it.
    fileprivate var scalar: String? {
        switch content {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .nothing, .list, .object: nil
        }
    }
}
