// SPDX-License-Identifier: Apache-2.0

/// How the client says who it is (RFC 6749 section 2.3.1): in the header or in the body, never in
/// both, which some servers refuse, and never in the URL; and what else is the same in each request
/// of the application.
///
/// Made once for an application that was checked, and lent to each of its requests; the secrets in
/// it are wiped with the last reference to it.
package final class ClientCredentials: Sendable {
    /// What they are for.
    package enum Purpose: Sendable {
        case refresh, exchange
    }

    /// The `Authorization` field, or another one that holds a secret, name and value, with a zero
    /// byte behind them; nil where there is none.
    let headerLine: Secret?
    /// The other header fields; nil where they are those of every request.
    let headers: HeaderList?
    /// How long both are, in bytes; 0 where there is none.
    var headerByteCount: Int {
        let listed = headers?.byteCount ?? 0
        return switch headerLine {
        case .some(let line): line.count + listed
        case .none: listed
        }
    }
    /// A refresh but for its token; nil for another purpose.
    let refreshForm: RefreshForm?
    /// What a refresh presents.
    let refreshGrant: Provider.RefreshGrant
    /// How the answer to a refresh may say that the grant is gone.
    let grantLostErrors: GrantLostErrors
    /// How it may say so in words that can also mean the application.
    let grantLostAnswers: GrantLostAnswers
    /// What it may call its token.
    let bearerTypes: BearerTypes
    /// What signs each request; nil where the client authenticates otherwise.
    let assertion: AssertionMaker?
    /// How answers differ from RFC 6749's; nil where they do not.
    let rules: ReplyRules?

    /// With `.basic`, id and secret are form-encoded before they are joined; with `.basicRaw` they
    /// are not, and the id must then hold no colon (RFC 7617 section 2), nor the secret with
    /// `.secretAsUser`.
    ///
    /// - Throws: as the makers of `TokenRequest`; `invalidArgument` also where there is no secret
    ///   and the method has one.
    package init(
        _ application: borrowing Application, for purpose: Purpose = .refresh,
        clock: any TimeSource = SystemTime()
    ) throws(VaultError) {
        try TokenRequest.check(application)
        let provider = application.provider
        refreshGrant = provider.refreshGrant
        rules = ReplyRules(provider)
        grantLostErrors = GrantLostErrors(provider, rules)
        grantLostAnswers = GrantLostAnswers(provider, rules)
        bearerTypes = .refresh(provider)
        headers = RequestHeaders.list(
            provider.requestHeaders, provider.requestBody == .json ? .json : .form)
        headerLine = try Self.header(application, by: provider.clientAuthentication)
        assertion = try AssertionMaker(application, clock)
        refreshForm = purpose == .refresh ? try RefreshForm(application) : nil
    }

    /// The value of the `Authorization` field as somebody has it.
    ///
    /// - Throws: `invalidArgument` for anything but 0x20 to 0x7E: a line end would begin another
    ///   field.
    convenience init(authorization value: RawSpan) throws(VaultError) {
        try self.init(headerLine: Self.line(value), headers: nil)
    }

    /// For a request that is about a token, and asks for none.
    init(headerLine: consuming Secret?, headers: HeaderList?) {
        self.headerLine = headerLine
        self.headers = headers
        refreshForm = nil
        refreshGrant = .refreshToken
        grantLostErrors = .none
        grantLostAnswers = .none
        bearerTypes = .bearer
        assertion = nil
        rules = nil
    }

    /// The `Authorization` field of a client that authenticates in this way; nil where it does not
    /// use it.
    static func header(
        _ application: borrowing Application, by method: Provider.ClientAuthentication
    ) throws(VaultError) -> Secret? {
        switch method {
        case .none, .post, .privateKeyJWT: return nil
        case .basic:
            return try basic(joined(application.clientID, application.clientSecret, isRaw: false))
        case .basicRaw:
            guard !application.clientID.utf8.contains(UInt8(ascii: ":")) else {
                throw VaultError(.invalidArgument, .exchange)
            }
            return try basic(joined(application.clientID, application.clientSecret, isRaw: true))
        case .secretAsUser: return try basic(asUser(application.clientSecret))
        case .bearer: return try bearer(application.clientSecret)
        }
    }

    private static func joined(
        _ clientID: String, _ secret: borrowing Secret?, isRaw: Bool
    ) throws(VaultError) -> Secret {
        switch secret {
        case .none: throw VaultError(.invalidArgument, .exchange)
        case .some(let secret):
            let id = clientID.utf8Span.span
            let idBytes = unsafe id.bytes
            // Form encoding makes three bytes of one at most.
            let growth = isRaw ? 1 : 3
            var pair = try Secret(capacity: growth * (idBytes.byteCount + secret.count) + 1)
            let fits =
                if isRaw {
                    pair.append(idBytes) && pair.append(":") && pair.append(secret.bytes)
                } else {
                    // To Authlib and the MCP SDK a plus in here is no space.
                    TextEncoding.appendFormEncoded(idBytes, spaceAsPlus: false, to: &pair)
                        && pair.append(":")
                        && TextEncoding.appendFormEncoded(
                            secret.bytes, spaceAsPlus: false, to: &pair)
                }
            precondition(fits)
            return pair
        }
    }

    private static func asUser(_ secret: borrowing Secret?) throws(VaultError) -> Secret {
        switch secret {
        case .none: throw VaultError(.invalidArgument, .exchange)
        case .some(let secret):
            // It would end there.
            guard !hasColon(secret.bytes) else { throw VaultError(.invalidArgument, .exchange) }
            var pair = try Secret(capacity: secret.count + 1)
            let fits = pair.append(secret.bytes) && pair.append(":")
            precondition(fits)
            return pair
        }
    }

    /// Whether a client secret cannot be the user of Basic (RFC 7617 section 2).
    static func hasColon(_ secret: RawSpan) -> Bool {
        (0..<secret.byteCount).contains { secret.byte(at: $0) == UInt8(ascii: ":") }
    }

    private static func bearer(_ secret: borrowing Secret?) throws(VaultError) -> Secret {
        switch secret {
        case .none: throw VaultError(.invalidArgument, .exchange)
        case .some(let secret): return try line(secret.bytes, prefix: "Bearer ")
        }
    }

    private static func basic(_ pair: borrowing Secret) throws(VaultError) -> Secret {
        let value = try basicValue(pair)
        return try line(value.bytes)
    }

    /// A user, a colon and a password, as RFC 7617 has them in a field.
    static func basicValue(_ pair: borrowing Secret) throws(VaultError) -> Secret {
        let prefix = "Basic "
        var value = try Secret(capacity: prefix.utf8.count + (pair.count + 2) / 3 * 4)
        let fits = value.append(prefix) && TextEncoding.appendBase64(pair.bytes, to: &value)
        precondition(fits)
        return value
    }

    /// - Parameter prefix: what the value begins with.
    static func line(
        _ value: RawSpan, of name: String = "Authorization", prefix: String = ""
    ) throws(VaultError) -> Secret {
        guard JSONText.isVisible(value) else { throw VaultError(.invalidArgument, .exchange) }
        let start = "\(name): \(prefix)"
        var line = try Secret(capacity: start.utf8.count + value.byteCount + 1)
        let fits = line.append(start) && line.append(value) && line.append(byte: 0)
        precondition(fits)
        return line
    }
}
