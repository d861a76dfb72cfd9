// SPDX-License-Identifier: Apache-2.0

import Foundation

// Clients that prove themselves by what they sign (RFC 7523 section 3, OpenID Connect Core section
// 9), as strictly as the RFCs allow.
extension Ledger {
    /// How far a client's clock may be off, in seconds.
    private static let skewSeconds = 30
    /// How long an assertion may live, in seconds.
    private static let lifetimeSeconds = 60
    /// How many are remembered; those that have expired are forgotten then.
    private static let assertionsMax = 100_000

    /// The client that signed the form's `client_assertion`.
    mutating func clientBehindAssertion(
        _ form: Form
    ) throws(OAuthError) -> ProviderSimulator.Client {
        do throws(Refusal) {
            let client = try judge(form)
            counters.assertionsAccepted += 1
            return client
        } catch {
            counters.clientsRefused += 1
            if error == .replayed { counters.assertionsReplayed += 1 }
            throw OAuthError("invalid_client", error.words, status: 401)
        }
    }

    private enum Refusal: Error {
        case type, malformed, client, key, audience, time, replayed

        var words: StaticString {
            switch self {
            case .type: "client_assertion_type is another"
            case .malformed: "the assertion is no JSON Web Token"
            case .client: "iss and sub are no client of ours, or client_id is another"
            case .key: "no registered key has signed the assertion"
            case .audience: "aud is not this server"
            case .time: "the assertion has expired, or lives too long"
            case .replayed: "the assertion was used before"
            }
        }
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String?
        let typ: String?
    }

    private struct Claims: Decodable {
        let iss: String
        let sub: String
        let aud: String
        let jti: String
        let exp: Int
        let iat: Int
    }

    private mutating func judge(_ form: Form) throws(Refusal) -> ProviderSimulator.Client {
        guard
            form["client_assertion_type"]
                == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        else { throw .type }
        let parts = (form["client_assertion"] ?? "")
            .split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.bytes(parts[2]),
            let header: Header = Self.decoded(parts[0]), header.typ == "JWT",
            let claims: Claims = Self.decoded(parts[1])
        else { throw .malformed }
        guard claims.iss == claims.sub, form["client_id"].map({ $0 == claims.sub }) ?? true,
            let client = settings.client(claims.sub)
        else { throw .client }
        let message = "\(parts[0]).\(parts[1])".utf8
        let isSigned = client.publicKeys.contains { key in
            (header.kid == nil || key.keyID == header.kid)
                && key.verifies(signature, of: message, algorithm: header.alg)
        }
        guard isSigned else { throw .key }
        guard [issuer, "\(issuer)/token"].contains(claims.aud) else { throw .audience }
        let now = WallClock.unixSeconds
        guard claims.exp > now - Self.skewSeconds, claims.iat <= now + Self.skewSeconds,
            claims.exp <= now + Self.lifetimeSeconds + Self.skewSeconds,
            claims.exp - claims.iat <= Self.lifetimeSeconds
        else { throw .time }
        if assertions.count >= Self.assertionsMax {
            assertions = assertions.filter { $0.value > now - Self.skewSeconds }
        }
        guard !claims.jti.isEmpty,
            assertions.updateValue(claims.exp, forKey: "\(client.id) \(claims.jti)") == nil
        else { throw .replayed }
        return client
    }

    private static func decoded<Value: Decodable>(_ part: Substring) -> Value? {
        Base64URL.bytes(part).flatMap { try? JSONDecoder().decode(Value.self, from: Data($0)) }
    }
}
