// SPDX-License-Identifier: Apache-2.0

/// What somebody says of itself, signed: a JSON Web Token (RFC 7519) in the compact form of JSON
/// Web Signature (RFC 7515 section 3.1), as RFC 7523 section 3 wants it.
package enum Assertion {
    /// How long one can be used, in seconds, from the moment it is made. Servers refuse longer ones
    /// and whoever sees one can use it until then.
    package static let lifetimeSeconds: Int64 = 60
    /// How many random bytes a `jti` has: nobody meets one twice.
    static let identifierBytes = 20
    /// The most claims beside those that every assertion has.
    package static let claimsMax = 32

    /// A new assertion: `iss`, `sub` where there is one,
    /// `aud`, `iat`, `exp` and `jti`, which is never the same, and
    /// further claims, each a text. At most 65,536 bytes; whoever gets it wipes it with its scope.
    ///
    /// One takes 1.2 ms of a processor with RSA of 2,048 bits, 6.4 ms with 4,096, 0.6 ms with P-256
    /// or Ed25519; 0.5 ms of that to parse the key, which is freed after the signature: longer it
    /// is nowhere but in its ``Secret``.
    ///
    /// - Parameters:
    ///   - claims: of other names than those above, each once.
    ///   - now: `iat`, in whole seconds; `exp` is `lifetimeSeconds` later.
    /// - Throws: `invalidArgument` where a claim is there twice or the key cannot sign;
    ///   `limitExceeded`; `tooManySecrets`.
    package static func make(
        issuer: String, subject: String?, audience: String,
        claims: [(name: String, value: String)] = [], now: UnixTime, key: borrowing SigningKey
    ) throws(VaultError) -> Secret {
        defer { MemoryHygiene.scrubLarge() }
        let subjects = subject.map { [("sub", $0)] } ?? []
        let texts =
            [("iss", issuer)] + subjects + [("aud", audience), ("jti", try identifier())] + claims
        guard claims.count <= claimsMax else {
            throw VaultError(.limitExceeded, .exchange, number: claimsMax)
        }
        let names = Set(texts.map(\.0) + times)
        guard names.count == texts.count + times.count else {
            throw VaultError(.invalidArgument, .exchange)
        }
        let seconds = now.milliseconds / 1000
        let payload = try object(
            texts, numbers: [(times[0], seconds), (times[1], seconds + lifetimeSeconds)])
        var head = [("alg", key.algorithm.name), ("typ", "JWT")]
        if !key.keyID.isEmpty { head.append(("kid", key.keyID)) }
        let header = try object(head, numbers: [])
        return try signed(header, payload, key)
    }

    private static let times = ["iat", "exp"]

    private static func identifier() throws(VaultError) -> String {
        let random = try Secret(random: identifierBytes)
        return TextEncoding.base64URLText(random.bytes)
    }

    private static func signed(
        _ header: borrowing Secret, _ payload: borrowing Secret, _ key: borrowing SigningKey
    ) throws(VaultError) -> Secret {
        var message = try Secret(capacity: encoded(header.count) + 1 + encoded(payload.count))
        var fits =
            TextEncoding.appendBase64URL(header.bytes, to: &message)
            && message.append(byte: UInt8(ascii: "."))
            && TextEncoding.appendBase64URL(payload.bytes, to: &message)
        precondition(fits)
        let signature = try PrivateKey(der: key.privateKey.bytes)?
            .sign(message.bytes, by: key.algorithm)
        switch signature {
        case .none: throw SigningKey.refused(.malformedKey)
        case .some(let signature):
            var token = try Secret(capacity: message.count + 1 + encoded(signature.count))
            fits =
                token.append(message.bytes) && token.append(byte: UInt8(ascii: "."))
                && TextEncoding.appendBase64URL(signature.bytes, to: &token)
            precondition(fits)
            return token
        }
    }

    /// How long so many bytes are in base64url.
    private static func encoded(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// A JSON object of texts and numbers.
    private static func object(
        _ texts: [(String, String)], numbers: [(String, Int64)]
    ) throws(VaultError) -> Secret {
        var byteCount = 2
        for (name, value) in texts {
            byteCount += name.utf8.count + jsonByteCount(value) + 6
        }
        for (name, _) in numbers { byteCount += name.utf8.count + 24 }
        var object = try Secret(capacity: byteCount)
        var fits = object.append(byte: UInt8(ascii: "{"))
        for (index, (name, value)) in texts.enumerated() {
            fits = object.append("\(index > 0 ? "," : "")\"\(name)\":\"") && fits
            fits = appendJSON(value, to: &object) && object.append("\"") && fits
        }
        for (name, value) in numbers { fits = object.append(",\"\(name)\":\(value)") && fits }
        fits = object.append(byte: UInt8(ascii: "}")) && fits
        precondition(fits)
        return object
    }

    private static func jsonByteCount(_ text: String) -> Int {
        let span = text.utf8Span.span
        return unsafe TextEncoding.jsonEscapedByteCount(span.bytes)
    }

    private static func appendJSON(_ text: String, to secret: inout Secret) -> Bool {
        let span = text.utf8Span.span
        return unsafe TextEncoding.appendJSONEscaped(span.bytes, to: &secret)
    }
}
