// SPDX-License-Identifier: Apache-2.0

/// The error codes, beside `invalid_grant`, by which a provider says that a grant is gone, as its
/// definition lists them; where they are looked for see `ErrorCodes`. Only where an answer brings
/// no token, so a refresh that works pays nothing for them.
package struct GrantLostErrors: Sendable {
    private let codes: ErrorCodes

    /// `invalid_grant` alone.
    static let none = GrantLostErrors(codes: ErrorCodes([], nil))

    private init(codes: ErrorCodes) { self.codes = codes }

    /// Those that a provider's definition lists.
    init(_ provider: Provider, _ rules: ReplyRules? = nil) {
        codes = ErrorCodes(provider.grantLostErrors, rules)
    }

    /// Whether an answer names one of them.
    func occur(in body: borrowing Secret) -> Bool { codes.occur(in: body) }
}
