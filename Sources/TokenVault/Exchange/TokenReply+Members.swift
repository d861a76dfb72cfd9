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

        /// `access_token`; nil where it is absent or empty.
        var accessToken: Place?
        /// `refresh_token`; nil where it is absent or empty: then the old one stays valid.
        var refreshToken: Place?
        /// `token_type`.
        var tokenType = BearerTypes.Named.bearer
        /// `scope` as it was written; nil where it is absent, empty, too long or no text.
        var scope: String?
        /// `expires_in`, and `expiresIn`: counted from the request on.
        var expiresIn: Stated?
        var expiresInCamel: Stated?
        /// `expires_at`, and `expires_on`: moments of the provider's clock.
        var expiresAt: UnixTime?
        var expiresOn: UnixTime?
        /// `expires`, which is either.
        var expires: Stated?
        /// `refresh_token_expires_in` and its kin.
        var refreshTokenExpiresIn: Stated?
        var refreshTokenExpiresInX: Stated?
        var refreshExpiresIn: Stated?
        /// The moment at which the refresh token expires; only where a path says where it lies.
        var refreshTokenExpiresAt: UnixTime?
        /// `error`; nil where it is absent, empty or zero.
        var error: OAuthError?

        /// What the provider's success code says, where that is another value than in a success.
        var failure: OAuthError?
        /// What is kept beside the tokens.
        private(set) var captured: [(name: String, value: String)] = []
        /// Whether a token is named at the top that is read elsewhere.
        private var passesToken = false
        private var seen = ReplyMember.Set()
        /// How the provider's answers differ; nil where they do not.
        private let rules: ReplyRules?

        /// Reads the body of an answer and takes no block for it. Unknown members are ignored
        /// (RFC 6749 section 5.1), whatever is wrong with them.
        ///
        /// Strict where a token could be lost or confused: no member that is read here may be there
        /// twice, and tokens are strings of at most `TokenSet.tokenBytesMax` bytes, each in 0x20 to
        /// 0x7E (appendix A.12). Lenient where the worst is an early refresh: a lifetime may be a
        /// number or a string with a number in it and is rounded down; one that is zero, negative
        /// or no number counts as absent, as some servers write 0 or -1 for "never". For moments
        /// see `TokenReply.moment` and `InternetTime`.
        ///
        /// - Throws: `providerAnswerUnreadable`.
        init(_ body: RawSpan, _ rules: ReplyRules? = nil) throws(VaultError) {
            self.rules = rules
            var scanner = try JSONScanner(body)
            guard let rules else {
                while let member = try scanner.next() { try take(member, of: scanner) }
                return
            }
            var walk = ReplyRules.Walk(rules)
            while let member = try scanner.next() {
                try take(member, of: scanner)
                try walk.take(member, of: scanner, at: ReplyRules.root, into: &self)
            }
            error = error ?? failure
        }

        /// Whether this is what a token endpoint answers when it grants: an access token that is
        /// sent as a bearer token, and no error.
        func isTokenResponse(_ types: BearerTypes) -> Bool {
            error == nil && accessToken != nil && types.take(tokenType)
        }

        /// Whether there is a token of either kind: something that must not be lost.
        var holdsToken: Bool { accessToken != nil || refreshToken != nil || passesToken }
    }
}

extension TokenReply.Members {
    private mutating func take(
        _ member: JSONScanner.Member, of scanner: borrowing JSONScanner
    ) throws(VaultError) {
        let value = member.value
        guard
            let name = ReplyMember(
                scanner.written(member.name), hasEscapes: member.name.hasEscapes),
            // Which no grant depends on.
            name != .status
        else { return }
        if let rules, rules.moves(name) {
            passesToken = passesToken || name.isToken && !scanner.isEmpty(value)
            return
        }
        guard seen.insert(name) else { throw Self.unusable(.memberTwice) }
        switch name {
        case .accessToken: accessToken = try Self.token(value, of: scanner, from: 0)
        case .refreshToken: refreshToken = try Self.token(value, of: scanner, from: 0)
        case .tokenType: tokenType = Self.type(value, of: scanner)
        case .scope: scope = Self.scope(value, of: scanner)
        case .expiresIn: expiresIn = stated(value, of: scanner)
        case .expiresInCamel: expiresInCamel = stated(value, of: scanner)
        case .expiresAt: expiresAt = Self.moment(value, of: scanner)
        case .expiresOn: expiresOn = Self.moment(value, of: scanner)
        case .expires:
            expires =
                stated(value, of: scanner)
                ?? Self.moment(value, of: scanner).map { .moment($0) }
        case .refreshTokenExpiresIn: refreshTokenExpiresIn = stated(value, of: scanner)
        case .refreshTokenExpiresInX: refreshTokenExpiresInX = stated(value, of: scanner)
        case .refreshExpiresIn: refreshExpiresIn = stated(value, of: scanner)
        case .error: error = OAuthError.read(value, in: scanner)
        case .status: break
        }
    }

    /// Takes what lies at a path, in an object that begins at `base` of the body.
    mutating func take(
        _ value: JSONScanner.Value, as name: Provider.ReplyMembers.Name,
        of scanner: borrowing JSONScanner, from base: Int
    ) throws(VaultError) {
        switch name {
        case .accessToken: accessToken = try Self.token(value, of: scanner, from: base)
        case .refreshToken: refreshToken = try Self.token(value, of: scanner, from: base)
        case .tokenType: tokenType = Self.type(value, of: scanner)
        case .expiresIn: expiresIn = stated(value, of: scanner)
        case .expiresAt: expiresAt = Self.moment(value, of: scanner)
        case .refreshTokenExpiresIn: refreshTokenExpiresIn = stated(value, of: scanner)
        case .refreshTokenExpiresAt: refreshTokenExpiresAt = Self.moment(value, of: scanner)
        case .scope: scope = Self.scope(value, of: scanner)
        case .error: error = OAuthError.read(value, in: scanner)
        }
    }

    /// Keeps what lies at a path beside the tokens, where it is a text, a number or a flag that is
    /// short enough.
    mutating func capture(
        _ value: JSONScanner.Value, as name: String, of scanner: borrowing JSONScanner
    ) {
        // An escape has 6 bytes at the most.
        guard value.range.count <= 6 * Provider.capturedValueBytesMax,
            let text = scanner.plainText(value),
            Name.isWellFormed(text, byteCountMax: Provider.capturedValueBytesMax)
        else { return }
        captured.append((name, text))
    }

    static func unusable(_ cause: FailureCause) -> VaultError {
        VaultError(.providerAnswerUnreadable, .exchange, cause)
    }

    /// - Parameter base: where what is scanned begins in the body.
    private static func token(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner, from base: Int
    ) throws(VaultError) -> Place? {
        if scanner.isEmpty(value) { return nil }
        // A VSCHAR is %x20-7E (RFC 6749 appendix A).
        guard value.kind == .string, let count = scanner.visibleByteCount(value) else {
            throw unusable(.tokenNotText)
        }
        guard count <= TokenSet.tokenBytesMax else { throw unusable(.tokenTooLong) }
        let range = base + value.range.lowerBound..<base + value.range.upperBound
        return Place(range: range, hasEscapes: value.hasEscapes)
    }

    private static func type(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) -> BearerTypes.Named {
        guard value.kind == .string, !value.range.isEmpty else { return .bearer }
        return BearerTypes.Named(scanner.publicText(value))
    }

    private static func scope(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) -> String? {
        guard value.kind == .string, (1...TokenSet.scopeBytesMax).contains(value.range.count)
        else { return nil }
        return scanner.publicText(value)
    }

    private func stated(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) -> TokenReply.Stated? {
        let number = scanner.wholeNumber(value)
        guard let rules, rules.unitsPerSecond > 1, let number, number > 0 else {
            return TokenReply.Stated(number)
        }
        // Less than a second is no "never".
        return TokenReply.Stated(max(1, number / rules.unitsPerSecond))
    }

    private static func moment(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) -> UnixTime? {
        if let number = scanner.wholeNumber(value) { return TokenReply.moment(number) }
        guard value.kind == .string else { return nil }
        guard value.hasEscapes else { return InternetTime.parse(scanner.written(value)) }
        // Some servers escape the plus sign.
        guard let text = scanner.publicText(value) else { return nil }
        let span = text.utf8Span.span
        return unsafe InternetTime.parse(span.bytes)
    }
}
