// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Site {
    /// `GET /userinfo`: 200 for a living access token, so that a test can see whether one lives.
    func userinfo(_ request: Request) -> Reply {
        let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        let token = parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
        let user = book.use { ledger -> String? in
            guard let token, let record = ledger.livingAccessToken(token) else {
                ledger.counters.userinfoRefused += 1
                return nil
            }
            ledger.counters.userinfoAccepted += 1
            return ledger.grants[record.grant].user
        }
        guard let user else {
            var reply = Reply.json("{\"error\":\"invalid_token\"}", status: .unauthorized)
            reply.headers[.wwwAuthenticate] = "Bearer error=\"invalid_token\""
            return reply
        }
        var json = JSONText()
        json.add("sub", user)
        return .json(json.finished())
    }

    /// `POST /introspect` (RFC 7662).
    func introspect(_ request: Request, _ form: Form?) -> Reply {
        do {
            return .json(
                try book.use { ledger throws(OAuthError) in
                    let (form, client) = try ledger.authenticate(
                        form, request.headers[.authorization])
                    return try ledger.introspect(form, client: client)
                })
        } catch {
            return .refusal(error)
        }
    }

    /// `GET /.well-known/oauth-authorization-server` (RFC 8414).
    func metadata() -> Reply {
        let (issuer, scopes) = book.use { ($0.issuer, $0.settings.scopes.sorted()) }
        let methods = ["client_secret_basic", "client_secret_post", "none"]
        var json = JSONText()
        json.add("issuer", issuer)
        json.add("authorization_endpoint", issuer + "/authorize")
        json.add("token_endpoint", issuer + "/token")
        json.add("revocation_endpoint", issuer + "/revoke")
        json.add("introspection_endpoint", issuer + "/introspect")
        json.add("userinfo_endpoint", issuer + "/userinfo")
        json.add("response_types_supported", ["code"])
        json.add("grant_types_supported", ["authorization_code", "refresh_token"])
        json.add("code_challenge_methods_supported", ["S256"])
        json.add("token_endpoint_auth_methods_supported", methods)
        json.add("revocation_endpoint_auth_methods_supported", methods)
        json.add("authorization_response_iss_parameter_supported", true)
        if !scopes.isEmpty { json.add("scopes_supported", scopes) }
        return .json(json.finished())
    }
}
