// SPDX-License-Identifier: Apache-2.0

/// How the client says who it is (RFC 6749 section 2.3.1): in the header or in the form, never in
/// both, which some servers refuse, and never in the URL.
///
/// Made once for an application that was checked, and lent to each of its requests; the secrets in
/// it are wiped with the last reference to it.
package final class ClientCredentials: Sendable {
    /// The `Authorization` field, or another one that holds a secret, name and value, with a zero
    /// byte behind them; nil where there is none.
    let headerLine: Secret?
    /// How long that is, in bytes; 0 where there is none.
    var headerByteCount: Int {
        switch headerLine {
        case .some(let line): line.count
        case .none: 0
        }
    }
    /// What a form carries of the client, encoded: nothing with Basic, the id alone for a public
    /// client, else id and secret.
    let formFields: Secret?
    /// Whether a form says who the client is.
    var isInForm: Bool {
        switch formFields {
        case .some: true
        case .none: false
        }
    }
    /// Added to every token request.
    let parameters: [Provider.Parameter]
    /// What a refresh presents.
    let refreshGrant: Provider.RefreshGrant
    /// How the answer to a refresh may say that the grant is gone.
    let grantLostErrors: GrantLostErrors
    /// How it may say so in words that can also mean the application.
    let grantLostAnswers: GrantLostAnswers
    /// What it may call its token.
    let bearerTypes: BearerTypes

    /// With `.basic`, id and secret are form-encoded before they are joined; with `.basicRaw` they
    /// are not, and the id must then hold no colon (RFC 7617 section 2).
    ///
    /// - Throws: as the makers of `TokenRequest`; `invalidArgument` also where `.basic`,
    ///   `.basicRaw` or `.post` has no secret.
    package init(_ application: borrowing Application) throws(VaultError) {
        try TokenRequest.check(application)
        parameters = application.provider.tokenParameters
        refreshGrant = application.provider.refreshGrant
        grantLostErrors = GrantLostErrors(application.provider)
        grantLostAnswers = GrantLostAnswers(application.provider)
        bearerTypes = .refresh(application.provider)
        switch application.provider.clientAuthentication {
        case .none:
            headerLine = nil
            formFields = try Self.fields(application.clientID, nil)
        case .post:
            headerLine = nil
            formFields = try Self.fields(application.clientID, application.clientSecret)
        case .basic:
            headerLine = try Self.header(application, isRaw: false)
            formFields = nil
        case .basicRaw:
            headerLine = try Self.header(application, isRaw: true)
            formFields = nil
        }
    }

    /// The value of the `Authorization` field as somebody has it.
    ///
    /// - Throws: `invalidArgument` for anything but 0x20 to 0x7E: a line end would begin another
    ///   field.
    convenience init(authorization value: RawSpan) throws(VaultError) {
        try self.init(headerLine: Self.line(value), formFields: nil)
    }

    /// For a request that is about a token, and asks for none.
    init(headerLine: consuming Secret?, formFields: consuming Secret?) {
        self.headerLine = headerLine
        self.formFields = formFields
        parameters = []
        refreshGrant = .refreshToken
        grantLostErrors = .none
        grantLostAnswers = .none
        bearerTypes = .bearer
    }

    static func fields(
        _ clientID: String, _ clientSecret: borrowing Secret?
    ) throws(VaultError) -> Secret {
        try Form.filled { form in
            form.add("client_id", text: clientID)
            switch clientSecret {
            case .some(let secret): form.add("client_secret", secret.bytes)
            case .none: break
            }
        }
    }

    static func header(
        _ application: borrowing Application, isRaw: Bool
    ) throws(VaultError) -> Secret {
        guard !isRaw || !application.clientID.utf8.contains(UInt8(ascii: ":")) else {
            throw VaultError(.invalidArgument, .exchange)
        }
        let pair = try joined(application.clientID, application.clientSecret, isRaw: isRaw)
        let value = try basic(pair)
        return try line(value.bytes)
    }

    /// HTTP Basic with the client secret as the user, and no password.
    static func secretAsUser(_ application: borrowing Application) throws(VaultError) -> Secret {
        switch application.clientSecret {
        case .none: throw VaultError(.invalidArgument, .exchange)
        case .some(let secret):
            var pair = try Secret(capacity: secret.count + 1)
            let fits = pair.append(secret.bytes) && pair.append(":")
            precondition(fits)
            let value = try basic(pair)
            return try line(value.bytes)
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
                    TextEncoding.appendFormEncoded(idBytes, to: &pair) && pair.append(":")
                        && TextEncoding.appendFormEncoded(secret.bytes, to: &pair)
                }
            precondition(fits)
            return pair
        }
    }

    private static func basic(_ pair: borrowing Secret) throws(VaultError) -> Secret {
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
