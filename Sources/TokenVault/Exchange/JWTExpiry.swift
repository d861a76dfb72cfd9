// SPDX-License-Identifier: Apache-2.0

/// The `exp` claim of an access token that happens to be a JWT (RFC 7519 section 4.1.4).
///
/// Nothing is verified, neither signature nor issuer nor audience, and nothing is decided by it: it
/// is a hint for when to refresh, used where the token response itself does not say. To everything
/// else an access token is opaque (RFC 9068 section 6).
enum JWTExpiry {
    /// When the token says that it expires. Nil where the token is not three parts of base64url, or
    /// its payload no JSON object with a usable `exp`, or no block for the payload is free at this
    /// moment. The decoded payload lies in a secret and is wiped here.
    static func read(_ token: RawSpan) -> UnixTime? {
        guard let payload = payloadRange(token) else { return nil }
        guard var json = Secret(roomFor: payload.count) else { return nil }
        guard TextEncoding.appendBase64URLDecoded(token.extracting(payload), to: &json) else {
            return nil
        }
        return try? expiry(json.bytes)
    }

    private static func expiry(_ json: RawSpan) throws(VaultError) -> UnixTime? {
        var scanner = try JSONScanner(json)
        var expiry: UnixTime?
        var isThere = false
        while let member = try scanner.next() {
            guard scanner.isText(member.name, "exp") else { continue }
            // Of two, nobody knows which one counts.
            guard !isThere else { return nil }
            isThere = true
            expiry = TokenReply.moment(scanner.wholeNumber(member.value))
        }
        return expiry
    }

    /// Where the second of exactly three parts lies; none may be empty but the signature's, which
    /// is in a token that is not signed.
    private static func payloadRange(_ token: RawSpan) -> Range<Int>? {
        var dots = (first: 0, second: 0)
        for index in 0..<token.byteCount where token.byte(at: index) == UInt8(ascii: ".") {
            guard dots.second == 0 else { return nil }
            if dots.first == 0 { dots.first = index } else { dots.second = index }
        }
        guard dots.first > 0, dots.second > dots.first + 1 else { return nil }
        return dots.first + 1..<dots.second
    }
}
