// SPDX-License-Identifier: Apache-2.0

extension TokenReply {
    /// What the members of an answer say (RFC 6749 sections 5.1 and 5.2), read but not yet judged.
    /// No secret is in it, only where the tokens lie.
    struct Members: Sendable {
        /// Where a token lies in the body, its quotes left out.
        struct Place: Sendable {
            let range: Range<Int>
            let hasEscapes: Bool
        }

        /// `access_token`; nil where it is absent, `null` or empty.
        var accessToken: Place?
        /// `refresh_token`; nil where it is absent, `null` or empty: then the old one stays valid.
        var refreshToken: Place?
        /// `token_type` as it was written; nil where it is absent, empty or no string.
        var tokenType: String?
        /// `scope` as it was written; nil where it is absent, empty or no string.
        var scope: String?
        /// `expires_in`: seconds from the request on, 1 to `lifetimeSecondsMax`.
        var expiresInSeconds: Int64?
        /// `expires_at`: a moment of the provider's clock.
        var expiresAt: UnixTime?
        /// `refresh_token_expires_in` and its kin, as `expiresInSeconds`; the least where there are
        /// two.
        var refreshTokenExpiresInSeconds: Int64?
        /// `error`; nil where it is absent, `null`, `false` or empty.
        var error: OAuthError?

        /// Reads the body of an answer and takes no slot for it. Unknown members are ignored
        /// (RFC 6749 section 5.1).
        ///
        /// Strict where a token could be lost or confused: the JSON (see `JSONScanner`), and
        /// tokens, which are strings of at most `TokenSet.tokenBytesMax` bytes, each in 0x20 to
        /// 0x7E (appendix A.12). Lenient where the worst is an early refresh: a lifetime may be a
        /// number or a string with a number in it and is rounded down; one that is zero, negative
        /// or no number counts as absent, as some servers write 0 or -1 for "never". For
        /// `expires_at` see `moment`.
        ///
        /// - Throws: `providerAnswerUnreadable`.
        init(_ body: RawSpan) throws(VaultError) {
            var scanner = try JSONScanner(body)
            while let member = try scanner.next() { try take(member, of: scanner) }
        }

        /// Whether this is what a token endpoint answers when it grants: a bearer access token and
        /// no error.
        var isTokenResponse: Bool { error == nil && accessToken != nil && isBearer }

        /// Whether there is a token of either kind: something that must not be lost.
        var holdsToken: Bool { accessToken != nil || refreshToken != nil }

        /// Whether `token_type` is one that is sent as `Authorization: Bearer`: compared without
        /// case (RFC 6749 section 5.1). Absent counts as bearer, since several providers leave it
        /// out.
        private var isBearer: Bool {
            guard let tokenType, tokenType != "Bearer" else { return true }
            return tokenType.lowercased() == "bearer"
        }
    }
}

extension TokenReply.Members {
    private mutating func take(
        _ member: JSONScanner.Member, of scanner: borrowing JSONScanner
    ) throws(VaultError) {
        let (name, value) = (member.name, member.value)
        if scanner.isText(name, "access_token") {
            accessToken = try Self.token(value, of: scanner)
        } else if scanner.isText(name, "refresh_token") {
            refreshToken = try Self.token(value, of: scanner)
        } else if scanner.isText(name, "token_type") {
            tokenType = try Self.text(value, of: scanner, bytesMax: TokenReply.tokenTypeBytesMax)
        } else if scanner.isText(name, "scope") {
            scope = try Self.text(value, of: scanner, bytesMax: TokenReply.scopeBytesMax)
        } else if scanner.isText(name, "expires_in") {
            expiresInSeconds = TokenReply.lifetime(scanner.wholeNumber(value))
        } else if scanner.isText(name, "expires_at") {
            expiresAt = TokenReply.moment(scanner.wholeNumber(value))
        } else if scanner.isText(name, "refresh_token_expires_in")
            || scanner.isText(name, "x_refresh_token_expires_in")
            || scanner.isText(name, "refresh_expires_in")
        {
            guard let seconds = TokenReply.lifetime(scanner.wholeNumber(value)) else { return }
            refreshTokenExpiresInSeconds = min(seconds, refreshTokenExpiresInSeconds ?? .max)
        } else if scanner.isText(name, "error") {
            error = OAuthError.read(value, in: scanner)
        }
    }

    private static func token(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) throws(VaultError) -> Place? {
        if value.kind == .null { return nil }
        guard value.kind == .string else { throw JSONScanner.unreadable }
        if value.range.isEmpty { return nil }
        // A VSCHAR is %x20-7E (RFC 6749 appendix A).
        guard let count = scanner.visibleByteCount(value), count <= TokenSet.tokenBytesMax else {
            throw JSONScanner.unreadable
        }
        return Place(range: value.range, hasEscapes: value.hasEscapes)
    }

    private static func text(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner, bytesMax: Int
    ) throws(VaultError) -> String? {
        guard value.kind == .string, !value.range.isEmpty else { return nil }
        guard value.range.count <= bytesMax else { throw JSONScanner.unreadable }
        return scanner.publicText(value)
    }
}
