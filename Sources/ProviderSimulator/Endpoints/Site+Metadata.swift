// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

extension Site {
    /// `GET` of a document about the server: RFC 8414, OpenID Connect Discovery 1.0.
    func metadata(at path: Substring, channel: any Channel) async throws -> Response {
        let settings = book.use { $0.settings.metadata }
        guard let document = settings.document(at: path) else {
            return Reply.empty(.notFound).response
        }
        let fault = book.use {
            $0.takeFault(for: document == .oauth ? .oauthMetadata : .openIDMetadata)
        }
        let text = try settings.bytes[document] ?? self.text(of: document)
        return try await FaultyReply(fault, channel: channel).response { .json(text) }
    }

    private func text(of document: ProviderSimulator.Document) throws -> String {
        let (url, issuer, settings) = book.use { ($0.url, $0.issuer, $0.settings) }
        let methods = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]
        let algorithms = ["RS256", "PS256", "ES256", "EdDSA"]
        var members: [String: any Sendable] = [
            "issuer": issuer,
            "authorization_endpoint": url + "/authorize",
            "token_endpoint": url + "/token",
            "revocation_endpoint": url + "/revoke",
            "introspection_endpoint": url + "/introspect",
            "device_authorization_endpoint": url + "/device_authorization",
            "userinfo_endpoint": url + "/userinfo",
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "authorization_code", "refresh_token", "client_credentials",
                DeviceRequest.grantType, Ledger.jwtBearer,
            ],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "authorization_response_iss_parameter_supported": true,
        ]
        if document != .oauth {
            members["subject_types_supported"] = ["public"]
            members["id_token_signing_alg_values_supported"] = ["RS256"]
            members["jwks_uri"] = url + "/keys"
        }
        let scopes = settings.scopes.sorted()
        if !scopes.isEmpty { members["scopes_supported"] = scopes }
        // Each as it stands in the object, so that another value can take its place.
        var written: [String: String] = [:]
        for (name, value) in members {
            written[name] = String(try JSON.object([name: value]).dropFirst().dropLast())
        }
        for (name, json) in settings.metadata.members[document] ?? [:] {
            written[name] = json.isEmpty ? nil : "\"\(name)\":\(json)"
        }
        return "{" + written.sorted { $0.key < $1.key }.map(\.value).joined(separator: ",") + "}"
    }
}
