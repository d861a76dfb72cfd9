// SPDX-License-Identifier: Apache-2.0

// Forms of what a provider's answers say in words of its own. Entries that can never match are
// refused: whoever wrote one believes that a lost grant is noticed.

extension SettingForm where Value == String {
    /// An `error`, `status` or `code` that says that a grant is gone, as the provider writes it.
    static var grantLostError: Self {
        let bytesMax = Provider.grantLostErrorBytesMax
        let words = "an error code of the provider's own, 1 to \(bytesMax) characters of ASCII"
        return text(words) { code in
            if ReplyCode.isStatus(code) || code == "none" {
                let example =
                    code == "none" ? "status: 400, error: none" : "status: \(code), error: none"
                return "an error code; for an HTTP status, or an answer that names no error, "
                    + "write grant_lost_answers: [{\(example)}]"
            }
            if ReplyCode.otherMeanings.contains(code) {
                return "an error code of the provider's own: RFC 6749 gives it another meaning; "
                    + "where it comes with one status only for a grant that is gone, "
                    + "write that status and it into grant_lost_answers"
            }
            return ReplyCode.isWord(code, bytesMax) ? nil : words
        }
    }

    /// A `token_type` of tokens that are sent as bearer tokens.
    static var bearerTokenType: Self {
        let bytesMax = Provider.bearerTokenTypeBytesMax
        let words = "a token_type of bearer tokens, 1 to \(bytesMax) characters of ASCII"
        return text(words) { type in
            if ["mac", "dpop", "pop"].contains(type.lowercased()) {
                return "a token_type of bearer tokens: it needs more than the token"
            }
            return ReplyCode.isWord(type, bytesMax) ? nil : words
        }
    }
}

extension SettingForm where Value == Provider.GrantLostAnswer {
    /// A status and an error that together say that a grant is gone.
    static var grantLostAnswer: Self {
        let words = "{ status: ..., error: ... }, with error: none where the answer names no error"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let members = value.members("status", "error") else {
                    throw value.refused(wanted: words)
                }
                guard let status = members[0].number, (400...499).contains(status),
                    !ReplyCode.statusesOfPatience.contains(status)
                else {
                    throw members[0].refused(
                        wanted: "a status of 400 to 499 other than 408, 425 and 429, "
                            + "which always say: try later")
                }
                let error = try ReplyCode.error(members[1])
                return Provider.GrantLostAnswer(status: Int(status), error: error)
            },
            show: { answer in
                .object([
                    ("status", SettingValue(.number(Int64(answer.status)))),
                    ("error", SettingValue(.text(answer.error ?? "none"))),
                ])
            },
            kind: .pair, store: { [.pair("\($0.status)", $0.error ?? "")] },
            restore: { fields in
                guard case .pair(let status, let error)? = fields.first,
                    let status = Int(status)
                else { return nil }
                return Provider.GrantLostAnswer(status: status, error: error.isEmpty ? nil : error)
            })
    }
}
