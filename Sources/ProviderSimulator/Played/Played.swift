// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// What a grant of a provider that is played remembers.
struct Played: Sendable {
    let provider: ProviderSimulator.Provider
    let part: Part
    let variables: [String: String]
    let opened: ContinuousClock.Instant
    /// Whether the client proved to be itself by PKCE alone.
    let byProofOnly: Bool
    let accessLifetime: Int?
    let refreshLife: RefreshLife
}

/// What a code of a provider that is played remembers.
struct Consent: Sendable {
    let provider: ProviderSimulator.Provider
    /// What the host and the path of the authorization request said.
    let variables: [String: String]
    let parameters: Form
}

/// Values that a reply is filled with. They follow from the user, so that a person has one account
/// however often it is connected.
enum Variables {
    static func make(user: String, client: String) -> [String: String] {
        let digest = Array(SHA256.hash(data: Data(user.utf8)))
        let number = digest.prefix(6).reduce(0) { $0 << 8 | Int($1) }
        let now = WallClock.unixSeconds
        return [
            "user": user, "client_id": client, "account": "9" + String(number),
            "guid": guid(user), "now": String(now), "now_ms": String(now * 1000),
            "timestamp": Date(timeIntervalSince1970: Double(now)).ISO8601Format(),
        ]
    }

    /// A UUID that follows from a text.
    static func guid(_ text: String) -> String {
        let hex = SHA256.hash(data: Data(text.utf8)).prefix(16).map {
            let digits = String($0, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
        var rest = hex[...]
        return [8, 4, 4, 4, 12].map { count in
            defer { rest = rest.dropFirst(count) }
            return String(rest.prefix(count))
        }.joined(separator: "-")
    }
}

/// The signature of Shopify's callback.
enum CallbackSignature {
    /// HMAC-SHA256 in hexadecimal over the query, sorted by name.
    static func make(_ fields: [(name: String, value: String)], secret: String) -> String {
        let text = fields.sorted { $0.name < $1.name }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(text.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return code.map {
            let digits = String($0, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
