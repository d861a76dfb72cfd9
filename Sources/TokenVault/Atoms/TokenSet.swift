// SPDX-License-Identifier: Apache-2.0

/// The tokens of one connection: what a token response (RFC 6749 section 5.1) leaves behind.
public struct TokenSet: ~Copyable, Sendable {
    /// Where the access token's expiry was learnt from.
    @nonexhaustive
    public enum ExpirySource: UInt8, Sendable {
        /// Nobody said: the token is taken to live until it is rejected.
        case unknown = 0
        /// The reply's `expires_in`.
        case expiresIn = 1
        /// The reply's `expires_at`.
        case expiresAt = 2
        /// The `exp` claim of an access token that is a JWT (RFC 7519).
        case jwt = 3
        /// The provider's default lifetime.
        case provider = 4
        /// The application's default lifetime.
        case application = 5
        /// The caller who put the tokens said so.
        case caller = 6
    }

    /// The access token. At most 16 KiB.
    public var accessToken: Secret
    /// The refresh token, where there is one. At most 16 KiB.
    public var refreshToken: Secret?
    /// The token type, as RFC 6750 spells it. Compared without case.
    public var tokenType: String
    /// The granted scope, as the provider wrote it; nil where it did not say. At most 16 KiB.
    public var scope: String?
    /// When the access token expires.
    public var accessTokenExpiry: UnixTime?
    /// Where that was learnt from.
    public var expirySource: ExpirySource
    /// When the refresh token expires, where the provider says.
    public var refreshTokenExpiry: UnixTime?

    /// The longest token, in bytes.
    public static let tokenBytesMax = 16384
    /// The longest granted scope, in bytes.
    public static let scopeBytesMax = 16384

    /// A token set as a caller has it.
    public init(
        accessToken: consuming Secret, refreshToken: consuming Secret? = nil,
        tokenType: String = "Bearer", scope: String? = nil, accessTokenExpiry: UnixTime? = nil,
        expirySource: ExpirySource = .caller, refreshTokenExpiry: UnixTime? = nil
    ) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.tokenType = tokenType
        self.scope = scope
        self.accessTokenExpiry = accessTokenExpiry
        self.expirySource = accessTokenExpiry == nil ? .unknown : expirySource
        self.refreshTokenExpiry = refreshTokenExpiry
    }
}
