// SPDX-License-Identifier: Apache-2.0

extension SettingForm where Value == Provider.SecondConnection {
    /// A suffix, and paths as `reply_members` has them.
    static var secondConnection: Self {
        let bytesMax = Provider.secondSuffixBytesMax
        let words = "{ suffix: .user, reply_members: { access_token: a path, ... } }"
        let paths = SettingForm<Provider.ReplyMembers>.replyMembers
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let members = value.members("suffix", "reply_members") else {
                    throw value.refused(wanted: words)
                }
                guard let suffix = members[0].text,
                    Name.isWellFormed(suffix, byteCountMax: bytesMax)
                else {
                    throw members[0].refused(
                        wanted: "a text of 1 to \(bytesMax) bytes, such as .user")
                }
                let replyMembers = try paths.read(members[1])
                guard replyMembers.accessToken != nil else {
                    throw members[1].refused(
                        wanted: "the path of its access token, as access_token: a path")
                }
                return Value(suffix: suffix, replyMembers: replyMembers)
            },
            show: { second in
                .object([
                    ("suffix", SettingValue(.text(second.suffix))),
                    ("reply_members", SettingValue(paths.show(second.replyMembers))),
                ])
            },
            kind: .pair,
            store: { second in [.pair("", second.suffix)] + paths.store(second.replyMembers) },
            restore: { fields in
                guard case .pair("", let suffix)? = fields.first,
                    let members = paths.restore(Array(fields.dropFirst()))
                else { return nil }
                return Value(suffix: suffix, replyMembers: members)
            })
    }
}
