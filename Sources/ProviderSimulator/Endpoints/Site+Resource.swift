// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Site {
    /// `GET /userinfo`: 200 for a living access token, so that a test can see whether one lives.
    func userinfo(_ request: Request) throws -> Reply {
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
        return .json(try JSON.object(["sub": user]))
    }

    /// `POST /introspect` (RFC 7662).
    func introspect(_ request: Request, _ form: Form?) throws -> Reply {
        do {
            let members = try book.use { ledger throws(OAuthError) in
                let (form, client) = try ledger.authenticate(form, request.headers[.authorization])
                return try ledger.introspect(form, client: client)
            }
            return .json(try JSON.object(members))
        } catch let error as OAuthError {
            return .refusal(error)
        }
    }

    /// `GET /.well-known/oauth-authorization-server` (RFC 8414).
    func metadata() throws -> Reply {
        let (issuer, scopes) = book.use { ($0.issuer, $0.settings.scopes.sorted()) }
        let methods = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]
        let algorithms = ["RS256", "PS256", "ES256", "EdDSA"]
        var members: [String: any Sendable] = [
            "issuer": issuer,
            "authorization_endpoint": issuer + "/authorize",
            "token_endpoint": issuer + "/token",
            "revocation_endpoint": issuer + "/revoke",
            "introspection_endpoint": issuer + "/introspect",
            "userinfo_endpoint": issuer + "/userinfo",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "authorization_response_iss_parameter_supported": true,
        ]
        if !scopes.isEmpty { members["scopes_supported"] = scopes }
        return .json(try JSON.object(members))
    }
}
