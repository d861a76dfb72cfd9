// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// An application as a test varies it, and what is sent for it as text.
struct RequestSetting {
    var clientID = "id"
    var clientSecret: String? = "secret"
    var method = Provider.ClientAuthentication.basic
    var parameters: [Provider.Parameter] = []
    var grant = Provider.RefreshGrant.refreshToken
    var change: (inout Provider) -> Void = { _ in }

    struct Sent {
        let body: String
        let authorization: String?

        init(_ request: consuming TokenRequest) {
            body = request.body.bytes.publicText ?? ""
            authorization = Self.value(request.credentials.headerLine)
        }

        private static func value(_ line: borrowing Secret?) -> String? {
            switch line {
            case .some(let line):
                // The field's name before it, a zero byte behind it.
                let text = line.bytes.publicText ?? ""
                let name = "Authorization: "
                guard text.hasPrefix(name), text.hasSuffix("\0") else { return text }
                return String(text.dropFirst(name.count).dropLast())
            case .none: return nil
            }
        }
    }

    func application() throws(VaultError) -> Application {
        var provider = Provider(
            name: "example", authorizationEndpoint: "https://example.com/authorize",
            tokenEndpoint: "https://example.com/token")
        provider.clientAuthentication = method
        provider.tokenParameters = parameters
        provider.refreshGrant = grant
        change(&provider)
        var application = Application(
            id: try ApplicationID("app"), provider: provider, clientID: clientID,
            redirectURI: "https://oauth2.example.com/callback")
        if let clientSecret { application.clientSecret = try clientSecret.secret() }
        return application
    }

    func exchange(
        code: String, verifier: String? = TokenRequestTests.verifier
    ) throws(VaultError) -> Sent {
        var verifierSecret: Secret?
        if let verifier { verifierSecret = try verifier.secret() }
        return Sent(
            try TokenRequest.exchange(
                code: try code.secret(), codeVerifier: verifierSecret, for: try application()))
    }

    func refresh(_ token: String) throws(VaultError) -> Sent {
        let credentials = try ClientCredentials(try application())
        return Sent(
            try token.lend { (span) throws(VaultError) in
                try TokenRequest.refresh(span, by: credentials)
            })
    }

    func revoke(_ token: String, _ hint: TokenRequest.Hint) throws(VaultError) -> Sent {
        Sent(
            try token.lend { (span) throws(VaultError) in
                try TokenRequest.revocation(of: span, hint, for: try application())
            })
    }

    func error(token: String = "r") -> VaultError? {
        do throws(VaultError) {
            _ = try refresh(token)
            return nil
        } catch { return error }
    }
}
