// SPDX-License-Identifier: Apache-2.0

/// The `error` of an OAuth answer, as far as anybody can act on it.
///
/// `error_description` and `error_uri` are never kept: some servers echo the token in them.
package enum OAuthError: UInt8, Hashable, Sendable, CaseIterable {
    // RFC 6749 section 5.2.
    case invalidRequest = 1
    case invalidClient = 2
    case invalidGrant = 3
    case unauthorizedClient = 4
    case unsupportedGrantType = 5
    case invalidScope = 6
    // RFC 6749 section 4.1.2.1.
    case accessDenied = 7
    case unsupportedResponseType = 8
    case serverError = 9
    case temporarilyUnavailable = 10
    /// RFC 7009 section 2.2.1.
    case unsupportedTokenType = 11
    /// RFC 6750 section 3.1; some revocation endpoints say so of a token that is gone.
    case invalidToken = 12
    // OpenID Connect Core 1.0 section 3.1.2.6.
    case interactionRequired = 13
    case loginRequired = 14
    case accountSelectionRequired = 15
    case consentRequired = 16
    /// RFC 8707 section 2: the `resource`.
    case invalidTarget = 17
    // RFC 8628 section 3.5.
    case authorizationPending = 30
    case slowDown = 31
    case expiredToken = 32
    /// What Microsoft's device flow says for `access_denied`.
    case authorizationDeclined = 33
    /// Any other code, or an `error` that is no string.
    case other = 255

    /// The code as the RFC spells it; empty for `other`.
    var code: StaticString {
        switch self {
        case .invalidRequest: "invalid_request"
        case .invalidClient: "invalid_client"
        case .invalidGrant: "invalid_grant"
        case .unauthorizedClient: "unauthorized_client"
        case .unsupportedGrantType: "unsupported_grant_type"
        case .invalidScope: "invalid_scope"
        case .accessDenied: "access_denied"
        case .unsupportedResponseType: "unsupported_response_type"
        case .serverError: "server_error"
        case .temporarilyUnavailable: "temporarily_unavailable"
        case .unsupportedTokenType: "unsupported_token_type"
        case .invalidToken: "invalid_token"
        case .interactionRequired: "interaction_required"
        case .loginRequired: "login_required"
        case .accountSelectionRequired: "account_selection_required"
        case .consentRequired: "consent_required"
        case .invalidTarget: "invalid_target"
        case .authorizationPending: "authorization_pending"
        case .slowDown: "slow_down"
        case .expiredToken: "expired_token"
        case .authorizationDeclined: "authorization_declined"
        case .other: ""
        }
    }

    /// For people: as the RFC spells it.
    package var name: String {
        self == .other ? "an error of the provider's own" : code.description
    }

    /// The one that is spelt so, `other` where none is.
    init(code: RawSpan) {
        self = Self.allCases.first { $0 != .other && code.equalsText($0.code) } ?? .other
    }
}
