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
    /// Parameters of the flow itself, which an added parameter must not replace.
    static let reservedParameters: Set<String> = [
        "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
        "code_challenge_method", "request", "request_uri",
    ]

    /// - Parameter codeVerifier: 43 to 128 unreserved characters; only its SHA-256 is sent.
    init(
        _ application: borrowing Application, scopes: [String], state: borrowing Secret,
        codeVerifier: borrowing Secret
    ) throws(VaultError) {
        let provider = application.provider
        guard let stateText = state.bytes.publicText else {
            throw VaultError(.invalidArgument, .authorize)
        }
        var parameters: [(String, String)] = [
            ("response_type", "code"), ("client_id", application.clientID),
            ("redirect_uri", application.redirectURI), ("state", stateText),
        ]
        if !scopes.isEmpty {
            parameters.append(("scope", scopes.joined(separator: provider.scopeSeparator)))
        }
        if provider.usesPKCE {
            var digest = try Secret(zeroes: 32)
            var output = digest.mutableBytes
            Sodium.sha256(codeVerifier.bytes, into: &output)
            parameters.append(("code_challenge", TextEncoding.base64URLText(digest.bytes)))
            parameters.append(("code_challenge_method", "S256"))
        }
        for parameter in provider.authorizationParameters {
            parameters.append((parameter.name, parameter.value))
        }
        let query = parameters.map { name, value in
            TextEncoding.percentEncoded(name) + "=" + TextEncoding.percentEncoded(value)
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
