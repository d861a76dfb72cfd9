// SPDX-License-Identifier: Apache-2.0

/// One message to a webhook, and how it is signed: by the Standard Webhooks convention
/// (https://github.com/standard-webhooks/standard-webhooks, version 1.0.0).
struct WebhookMessage: ~Copyable {
    /// The same however often it is sent.
    let id: String
    /// JSON, no secret.
    let body: Secret

    /// How long the key is that the vault makes, in bytes; the convention has 24 to 64.
    static let keyBytes = 32
    /// What stands before the base64 of a key where people see it.
    private static let keyPrefix = "whsec_"

    /// The value of `webhook-signature`: for each key `v1,` and the base64 of HMAC-SHA-256 over id,
    /// timestamp and body with dots between, a space between the keys.
    func signature(
        seconds: Int64, key: borrowing Secret, previous: borrowing Secret?
    ) throws(VaultError) -> String {
        let head = "\(id).\(seconds)."
        var signed = try Secret(capacity: head.utf8.count + body.count)
        guard signed.append(head), signed.append(body.bytes) else {
            throw VaultError(.limitExceeded, .exchange)
        }
        let first = try Self.signature(of: signed, key)
        switch previous {
        case .none: return first
        case .some(let previous): return try "\(first) \(Self.signature(of: signed, previous))"
        }
    }

    private static func signature(
        of signed: borrowing Secret, _ key: borrowing Secret
    ) throws(VaultError) -> String {
        var digest = try Secret(zeroes: Sodium.sha256Bytes)
        var output = digest.mutableBytes
        Sodium.hmacSHA256(signed.bytes, key: key.bytes, into: &output)
        var text = try Secret(capacity: 64)
        guard text.append("v1,"), TextEncoding.appendBase64(digest.bytes, to: &text) else {
            throw VaultError(.limitExceeded, .exchange)
        }
        return text.bytes.publicText ?? ""
    }

    /// The header fields of an attempt at this moment.
    func headers(seconds: Int64, signature: String) -> [Provider.Parameter] {
        [
            Provider.Parameter("webhook-id", id),
            Provider.Parameter("webhook-timestamp", "\(seconds)"),
            Provider.Parameter("webhook-signature", signature),
        ]
    }

    /// A key as a receiver is given it: `whsec_` and its base64.
    static func text(ofKey key: borrowing Secret) throws(VaultError) -> Secret {
        var text = try Secret(capacity: keyPrefix.utf8.count + (key.count + 2) / 3 * 4)
        guard text.append(keyPrefix), TextEncoding.appendBase64(key.bytes, to: &text) else {
            throw VaultError(.limitExceeded, .exchange)
        }
        return text
    }
}
