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
        case type, malformed, client, key, audience, time, replayed, subject

        var words: StaticString {
            switch self {
            case .type: "client_assertion_type is another"
            case .malformed: "the assertion is no JSON Web Token"
            case .client: "iss and sub are no client of ours, or client_id is another"
            case .key: "no registered key has signed the assertion"
            case .audience: "aud is not this server"
            case .time: "the assertion has expired, or lives too long"
            case .replayed: "the assertion was used before"
            case .subject: "the user has not allowed the client"
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
        let sub: String?
        let scope: String?
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
        let (claims, client) = try verified(form["client_assertion"])
        guard claims.iss == claims.sub, form["client_id"].map({ $0 == claims.sub }) ?? true
        else { throw .client }
        try useOnce(claims, of: client)
        return client
    }

    /// The client that a form's `assertion` says it is of (RFC 7521 section 4.1): one that has no
    /// secret need not authenticate beside it.
    mutating func clientOfAssertion(
        _ form: Form
    ) throws(OAuthError) -> ProviderSimulator.Client {
        do throws(Refusal) {
            let client = try verified(form["assertion"]).client
            if client.secret == nil { return client }
        } catch {
            counters.clientTokensRefused += 1
            throw OAuthError("invalid_grant", error.words)
        }
        counters.clientsRefused += 1
        throw OAuthError("invalid_client", "client authentication failed", status: 401)
    }

    static var jwtBearer: String { "urn:ietf:params:oauth:grant-type:jwt-bearer" }

    /// Gives a client somebody's token for an assertion (RFC 7523 section 2.1).
    mutating func issueByAssertion(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        let claims: Claims
        do throws(Refusal) {
            claims = try judgeGrant(form, of: client)
        } catch {
            counters.clientTokensRefused += 1
            if error == .replayed { counters.assertionsReplayed += 1 }
            throw OAuthError("invalid_grant", error.words)
        }
        counters.assertionsAccepted += 1
        return try issueOwn(
            asked: claims.scope ?? form["scope"], client: client, user: claims.sub ?? client.id)
    }

    private mutating func judgeGrant(
        _ form: Form, of client: ProviderSimulator.Client
    ) throws(Refusal) -> Claims {
        let (claims, signer) = try verified(form["assertion"])
        guard signer.id == client.id else { throw .client }
        guard let subjects = client.subjects,
            claims.sub.map({ subjects.contains($0) || $0 == client.id }) ?? true
        else { throw .subject }
        try useOnce(claims, of: client)
        return claims
    }

    /// What an assertion says, and whose key signed it.
    private func verified(
        _ assertion: String?
    ) throws(Refusal) -> (claims: Claims, client: ProviderSimulator.Client) {
        let parts = (assertion ?? "")
            .split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.bytes(parts[2]),
            let header: Header = Self.decoded(parts[0]), header.typ == "JWT",
            let claims: Claims = Self.decoded(parts[1])
        else { throw .malformed }
        guard let client = settings.client(claims.iss) else { throw .client }
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
        return (claims, client)
    }

    private mutating func useOnce(
        _ claims: Claims, of client: ProviderSimulator.Client
    ) throws(Refusal) {
        let now = WallClock.unixSeconds
        if assertions.count >= Self.assertionsMax {
            assertions = assertions.filter { $0.value > now - Self.skewSeconds }
        }
        guard !claims.jti.isEmpty,
            assertions.updateValue(claims.exp, forKey: "\(client.id) \(claims.jti)") == nil
        else { throw .replayed }
    }

    private static func decoded<Value: Decodable>(_ part: Substring) -> Value? {
        Base64URL.bytes(part).flatMap { try? JSONDecoder().decode(Value.self, from: Data($0)) }
    }
}
