// SPDX-License-Identifier: Apache-2.0

/// Where to send the user's browser (RFC 6749 section 4.1.1, RFC 7636).
public struct AuthorizationRequest: Sendable {
    /// The URL, with client id, redirect URI, scopes, state and PKCE challenge. It holds nothing
    /// that may not be seen by the user; the code verifier stays in the vault.
    public let url: String
    /// The `state` in it: one-time, 256 bits, known to this browser and the vault.
    public let state: String

    /// How many random bytes make a state or a code verifier: 43 characters of base64url.
    static let randomBytes = 32

    /// - Parameter codeVerifier: 43 to 128 unreserved characters; only its SHA-256 is sent.
    init(
        _ application: borrowing Application, scopes: [String], userScopes: [String] = [],
        state: borrowing Secret, codeVerifier: borrowing Secret
    ) throws(VaultError) {
        let provider = application.provider
        guard let stateText = state.bytes.publicText else {
            throw VaultError(.invalidArgument, .authorize)
        }
        let names = provider.authorizationParameterNames
        var parameters: [(name: String?, value: String)] = [
            (names["response_type"], provider.responseType),
            (names["client_id"], application.clientID),
            (names["redirect_uri"], application.redirectURI), (names["state"], stateText),
        ]
        if !scopes.isEmpty {
            parameters.append((names["scope"], scopes.joined(separator: provider.scopeSeparator)))
        }
        if !userScopes.isEmpty {
            let text = userScopes.joined(separator: provider.scopeSeparator)
            parameters.append((provider.userScopeParameter, text))
        }
        if provider.usesPKCE {
            var digest = try Secret(zeroes: 32)
            var output = digest.mutableBytes
            Sodium.sha256(codeVerifier.bytes, into: &output)
            let challenge = TextEncoding.base64URLText(digest.bytes)
            parameters.append((names["code_challenge"], challenge))
            parameters.append((names["code_challenge_method"], "S256"))
        }
        if let name = provider.nonceParameter {
            let nonce = try Secret(random: Self.randomBytes)
            parameters.append((name, TextEncoding.base64URLText(nonce.bytes)))
        }
        for parameter in provider.authorizationParameters {
            parameters.append((parameter.name, parameter.value))
        }
        let query = parameters.compactMap { name, value in
            name.map { TextEncoding.percentEncoded($0) + "=" + TextEncoding.percentEncoded(value) }
        }.joined(separator: "&")
        let endpoint = provider.authorizationEndpoint
        url = endpoint + (endpoint.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + query
        self.state = stateText
    }

    /// Random characters for a state or a code verifier.
    static func randomText() throws(VaultError) -> Secret {
        let random = try Secret(random: randomBytes)
        var text = try Secret(zeroes: 0)
        guard TextEncoding.appendBase64URL(random.bytes, to: &text) else {
            throw VaultError(.outOfMemory, .authorize)
        }
        return text
    }
}
