// SPDX-License-Identifier: Apache-2.0

/// What a call of the provider's API said of the token that it was made with.
public struct TokenUse: Hashable, Sendable {
    enum Kind: Hashable {
        case ok, rejected
        case failed(Int32)
    }

    let kind: Kind

    private init(kind: Kind) { self.kind = kind }

    /// The token was taken.
    public static let ok = Self(kind: .ok)
    /// The token was not: HTTP 401, as a rule (RFC 6750 section 3.1).
    public static let rejected = Self(kind: .rejected)
    /// Something else went wrong. The number is the component's own, such as an HTTP status.
    public static func failed(_ number: Int32) -> Self { Self(kind: .failed(number)) }

    /// What an answer over HTTP says: a status below 400 that the token was taken, 401 that it was
    /// not, and any other that something else went wrong.
    public init(httpStatus: Int) {
        kind =
            switch httpStatus {
            case 100..<400: .ok
            case 401: .rejected
            default: .failed(Int32(clamping: httpStatus))
            }
    }
}

extension TokenUse: CustomStringConvertible {
    /// `ok`, `rejected`, or `failed` and the number.
    public var description: String {
        switch kind {
        case .ok: "ok"
        case .rejected: "rejected"
        case .failed(let number): "failed \(number)"
        }
    }
}
