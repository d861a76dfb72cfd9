// SPDX-License-Identifier: Apache-2.0

/// How the client says who it is (RFC 6749 section 2.3.1): in the header or in the form, never in
/// both, which some servers refuse, and never in the URL.
extension TokenRequest {
    /// Adds what the form carries of the client: nothing with Basic, the id alone for a public
    /// client, else id and secret.
    static func addClient(_ application: borrowing Application, to form: inout Form) {
        switch application.provider.clientAuthentication {
        case .basic, .basicRaw: break
        case .none: form.add("client_id", text: application.clientID)
        case .post:
            form.add("client_id", text: application.clientID)
            switch application.clientSecret {
            case .some(let secret): form.add("client_secret", secret.bytes)
            case .none: break
            }
        }
    }

    /// The value of the `Authorization` header; nil where the client does not use Basic.
    ///
    /// With `.basic`, id and secret are form-encoded before they are joined; with `.basicRaw` they
    /// are not, and the id must then hold no colon (RFC 7617 section 2).
    ///
    /// - Throws: `invalidArgument` also where `.basic`, `.basicRaw` or `.post` has no secret.
    static func authorization(
        of application: borrowing Application
    ) throws(VaultError) -> Secret? {
        let method = application.provider.clientAuthentication
        if method == .none { return nil }
        switch application.clientSecret {
        case .none: throw VaultError(.invalidArgument, .exchange)
        case .some(let secret):
            try check(secret.count, 1...Application.clientSecretBytesMax)
            if method == .post { return nil }
            let isRaw = method == .basicRaw
            guard !isRaw || !application.clientID.utf8.contains(UInt8(ascii: ":")) else {
                throw VaultError(.invalidArgument, .exchange)
            }
            return try basic(try joined(application.clientID, secret, isRaw: isRaw))
        }
    }

    private static func joined(
        _ clientID: String, _ secret: borrowing Secret, isRaw: Bool
    ) throws(VaultError) -> Secret {
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

    private static func basic(_ pair: borrowing Secret) throws(VaultError) -> Secret {
        let prefix = "Basic "
        var value = try Secret(capacity: prefix.utf8.count + (pair.count + 2) / 3 * 4)
        let fits = value.append(prefix) && TextEncoding.appendBase64(pair.bytes, to: &value)
        precondition(fits)
        return value
    }
}
