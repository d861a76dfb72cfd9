// SPDX-License-Identifier: Apache-2.0

/// What a connection has its access tokens by.
@nonexhaustive
public enum GrantType: String, Sendable, CaseIterable {
    /// Somebody's consent, or what the platform put: a refresh token brings the next one (RFC 6749
    /// section 6), where there is one.
    case authorizationCode = "authorization_code"
    /// The client's own authentication (RFC 6749 section 4.4): each is asked for anew, and there is
    /// no refresh token.
    case clientCredentials = "client_credentials"
    /// An assertion that the client signs (RFC 7523 section 2.1): each is asked for anew, with
    /// another one, and there is no refresh token.
    case jwtBearer = "jwt_bearer"
}

extension GrantType {
    /// Whether the client asks for each access token anew, by itself: nothing is presented that a
    /// lost answer could cost.
    var asksAnew: Bool { self != .authorizationCode }

    /// What failures of its requests are about; nil where that is not told apart.
    var subject: FailureSubject? {
        switch self {
        case .authorizationCode: nil
        case .clientCredentials: .clientCredentials
        // What was presented is what that signed.
        case .jwtBearer: .signingKey
        }
    }

    /// What a record has for it; nil for the one that is not written down.
    var byte: UInt8? {
        switch self {
        case .authorizationCode: nil
        case .clientCredentials: 1
        case .jwtBearer: 2
        }
    }

    init?(byte: UInt8) {
        switch byte {
        case 1: self = .clientCredentials
        case 2: self = .jwtBearer
        default: return nil
        }
    }
}

/// How the client gets a connection's tokens by itself, without anybody's browser: what
/// `Vault.connect(_:application:grant:scopes:settings:)` asks for.
@nonexhaustive
public enum ClientGrant: Hashable, Sendable {
    /// By its own authentication (RFC 6749 section 4.4).
    case clientCredentials
    /// By an assertion that it signs with the application's key (RFC 7523 section 2.1), of which
    /// the provider's `assertionClaims` say what is in it. `subject` is whose token it asks for
    /// (`sub`), a text of 1 to `subjectBytesMax` bytes without control characters; nil where nobody
    /// is named, as for an account of the client's own.
    case jwtBearer(subject: String?)

    /// The longest subject, in bytes.
    public static let subjectBytesMax = 1024

    /// Whose token is asked for; nil where nobody is named.
    var subject: String? {
        switch self {
        case .clientCredentials: nil
        case .jwtBearer(let subject): subject
        }
    }

    /// What connections have from it.
    var type: GrantType {
        switch self {
        case .clientCredentials: .clientCredentials
        case .jwtBearer: .jwtBearer
        }
    }

    /// - Throws: `invalidArgument`, `limitExceeded`.
    func check() throws(VaultError) {
        guard let subject, let cause = Name.fault(subject, byteCountMax: Self.subjectBytesMax)
        else { return }
        let isTooLong = cause == .tooLong
        throw VaultError(
            isTooLong ? .limitExceeded : .invalidArgument, .exchange,
            number: isTooLong ? Self.subjectBytesMax : 0, cause)
    }
}
