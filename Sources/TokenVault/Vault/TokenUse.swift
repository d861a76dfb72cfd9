// SPDX-License-Identifier: Apache-2.0

/// What a call of the provider's API said of the token that it was made with.
public struct TokenUse: Hashable, Sendable {
    enum Kind: Hashable {
        case ok, rejected
        case failed(Int32)
    }

    let kind: Kind

    /// The token was taken.
    public static let ok = Self(kind: .ok)
    /// The token was not: HTTP 401, as a rule (RFC 6750 section 3.1).
    public static let rejected = Self(kind: .rejected)
    /// Something else went wrong. The number is the component's own, such as an HTTP status.
    public static func failed(_ number: Int32) -> Self { Self(kind: .failed(number)) }
}
