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
        }
    }

    /// What a record has for it; nil for the one that is not written down.
    var byte: UInt8? {
        switch self {
        case .authorizationCode: nil
        case .clientCredentials: 1
        }
    }

    init?(byte: UInt8) {
        switch byte {
        case 1: self = .clientCredentials
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

    /// What connections have from it.
    var type: GrantType {
        switch self {
        case .clientCredentials: .clientCredentials
        }
    }
}
