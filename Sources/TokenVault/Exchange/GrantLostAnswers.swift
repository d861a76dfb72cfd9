// SPDX-License-Identifier: Apache-2.0

/// The answers, each a status and an `error`, by which a provider may say that a grant is gone, as
/// its definition lists them.
///
/// RFC 6749 has another meaning for all of them, so they may also be about the application: whoever
/// acts on one waits for another connection's success first.
package struct GrantLostAnswers: Sendable {
    private let answers: [Provider.GrantLostAnswer]
    private let rules: ReplyRules?

    /// No answer.
    static let none = GrantLostAnswers(answers: [], rules: nil)

    private init(answers: [Provider.GrantLostAnswer], rules: ReplyRules?) {
        (self.answers, self.rules) = (answers, rules)
    }

    /// Those that a provider's definition lists.
    init(_ provider: Provider, _ rules: ReplyRules? = nil) {
        self.init(answers: provider.grantLostAnswers, rules: rules)
    }

    /// Whether an answer is one of them.
    ///
    /// - Parameter namesError: whether its body names an `error`, as `OAuthError` reads it: what is
    ///   no JSON names none.
    func contain(_ status: Int, _ body: borrowing Secret?, namesError: Bool) -> Bool {
        guard answers.contains(where: { $0.status == status }) else { return false }
        guard namesError else { return answers.contains { $0.status == status && $0.error == nil } }
        switch body {
        case .none: return false
        case .some(let body): return (try? isNamed(status, body.bytes)) ?? false
        }
    }

    private func isNamed(_ status: Int, _ body: RawSpan) throws(VaultError) -> Bool {
        if let rules, !rules.codePaths.isEmpty {
            let codes = answers.filter { $0.status == status }.compactMap(\.error)
            let isNamed = try ErrorCodes(codes, rules).occurOnPaths(in: body)
            if isNamed || rules.errorPath != nil { return isNamed }
        }
        var scanner = try JSONScanner(body)
        var isNamed = false
        while let member = try scanner.next() {
            guard scanner.isText(member.name, "error"), member.value.kind == .string else {
                continue
            }
            for answer in answers where answer.status == status {
                guard let error = answer.error else { continue }
                let text = error.utf8Span.span
                if unsafe scanner.isText(member.value, text.bytes) { isNamed = true }
            }
        }
        return isNamed
    }
}
