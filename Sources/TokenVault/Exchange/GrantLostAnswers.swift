// SPDX-License-Identifier: Apache-2.0

/// The answers, each a status and an `error`, by which a provider may say that a grant is gone, as
/// its definition lists them.
///
/// RFC 6749 has another meaning for all of them, so they may also be about the application: whoever
/// acts on one waits for another connection's success first.
package struct GrantLostAnswers: Sendable {
    private let answers: [Provider.GrantLostAnswer]

    /// No answer.
    static let none = GrantLostAnswers(answers: [])

    private init(answers: [Provider.GrantLostAnswer]) { self.answers = answers }

    /// Those that a provider's definition lists.
    init(_ provider: Provider) { answers = provider.grantLostAnswers }

    /// Whether a definition may list an answer: one that can come, and is not judged before by what
    /// is certain. The status is 400 to 499, but none that asks for patience (408, 425, 429); the
    /// error, where there is one, has 1 to 64 bytes of printable ASCII, and is none that always
    /// means the grant (`invalid_grant`), the application (`invalid_client`), or a time of trouble.
    package static func allows(_ answer: Provider.GrantLostAnswer) -> Bool {
        guard (400..<500).contains(answer.status), ![408, 425, 429].contains(answer.status) else {
            return false
        }
        guard let error = answer.error else { return true }
        return GrantLostErrors.isCode(error)
            && !OAuthError.certainMeanings.contains { $0.code.description == error }
    }

    /// - Throws: `invalidArgument` where a provider lists one that is not allowed, or too many.
    static func check(_ provider: Provider) throws(VaultError) {
        guard provider.grantLostAnswers.count <= Provider.grantLostAnswersMax,
            provider.grantLostAnswers.allSatisfy(allows)
        else { throw VaultError(.invalidArgument, .exchange) }
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

extension OAuthError {
    /// Those that mean one thing, whatever the status.
    fileprivate static let certainMeanings: [OAuthError] = [
        .invalidGrant, .invalidClient, .temporarilyUnavailable, .serverError,
    ]
}
