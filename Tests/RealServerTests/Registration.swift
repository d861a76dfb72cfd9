// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import TokenVault

/// What is registered at a server: one user, and a client for each way to get tokens that it has.
struct Registration: Encodable {
    struct Client: Encodable {
        let id: String
        /// Nil for one that signs instead.
        let secret: String?
        /// How it authenticates, in RFC 7591's words.
        let method: String
        /// For what, in the same words; the first is what it begins with.
        let grants: [String]

        /// The same in a definition's.
        var authentication: Provider.ClientAuthentication? {
            switch method {
            case "client_secret_basic": .basic
            case "client_secret_post": .post
            case "private_key_jwt": .privateKeyJWT
            default: nil
            }
        }

        /// What it puts into the header (RFC 6749 section 2.3.1); nil where nothing.
        var header: String? {
            guard method == "client_secret_basic" else { return nil }
            let names = [id, secret ?? ""].map(TextEncoding.percentEncoded)
            return "Basic " + Data(names.joined(separator: ":").utf8).base64EncodedString()
        }

        /// What it puts into the body.
        var form: [String: String] {
            guard method == "client_secret_post" else { return [:] }
            return ["client_id": id, "client_secret": secret ?? ""]
        }
    }

    static let deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

    let user = "ada"
    let password = UUID().uuidString
    let redirectURI = "https://platform.example/callback/real"
    /// By what they are for.
    let clients: [String: Client]

    /// Ids and secrets hold what a form must encode, where nothing speaks against it.
    init(_ kind: RealServer.Kind) {
        func client(
            _ id: String, _ method: String, _ grants: [String], hasSecret: Bool = true
        ) -> Client {
            let secret = hasSecret ? "s3cret: +%/&=" + UUID().uuidString : nil
            return Client(id: id, secret: secret, method: method, grants: grants)
        }
        let refreshed = ["authorization_code", "refresh_token"]
        var clients = [
            "code-basic": client("platform/1", "client_secret_basic", refreshed),
            "code-post": client("platform/2", "client_secret_post", refreshed),
        ]
        if kind != .mcp {
            clients["machine"] = client(
                "machine/1", "client_secret_basic", ["client_credentials"])
            // django-oauth-toolkit takes the id of this one into its paths.
            clients["device"] = client(
                "device-1", "client_secret_post", [Self.deviceGrant, "refresh_token"])
        }
        if kind == .authlib {
            clients["key"] = client(
                "key/1", "private_key_jwt", refreshed + ["client_credentials"], hasSecret: false)
        }
        self.clients = clients
    }

    /// The client that authenticates so, for the authorization code grant.
    func client(_ method: Provider.ClientAuthentication) -> Client {
        guard let client = clients[method == .post ? "code-post" : "code-basic"] else {
            preconditionFailure("every server has both")
        }
        return client
    }
}
