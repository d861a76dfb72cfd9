// SPDX-License-Identifier: Apache-2.0

extension Callback {
    /// Checks that the provider has signed a query that was parsed before, where its definition
    /// says that it does.
    ///
    /// - Throws: `callbackRejected`; `tooManySecrets`.
    static func checkSignature(
        of query: RawSpan, _ application: borrowing Application
    ) throws(VaultError) {
        guard let signature = application.provider.callbackSignature else { return }
        switch application.clientSecret {
        case .none: throw rejected(.signatureOther)
        case .some(let secret): try checkSignature(of: query, signature, key: secret.bytes)
        }
    }

    /// The same of a query that must be signed.
    ///
    /// - Parameter key: the client secret.
    /// - Throws: `callbackRejected`; `tooManySecrets`.
    static func checkSignature(
        of query: RawSpan, _ signature: Provider.CallbackSignature, key: RawSpan
    ) throws(VaultError) {
        let parts = try parts(query)
        let signed = parts.filter { $0.name != signature.parameter }
        guard let given = parts.first(where: { $0.name == signature.parameter }) else {
            throw rejected(.signatureMissing)
        }
        guard signed.count == parts.count - 1 else { throw rejected(.parameterTwice) }
        var digest = try Secret(zeroes: Sodium.sha256Bytes)
        do {
            let message = try message(of: signed, query)
            var output = digest.mutableBytes
            Sodium.hmacSHA256(message.bytes, key: key, into: &output)
        }
        guard let shown = try TextEncoding.formDecoded(query.extracting(given.value)),
            try isEqual(shown.bytes, digest, signature.encoding)
        else { throw rejected(.signatureOther) }
    }

    /// A parameter: its name, decoded, and where its value lies.
    private typealias Part = (name: String, value: Range<Int>)

    private static func parts(_ query: RawSpan) throws(VaultError) -> [Part] {
        var parts: [Part] = []
        var start = 0
        for end in 0...query.byteCount
        where end == query.byteCount || query.byte(at: end) == UInt8(ascii: "&") {
            if end > start {
                var separator = start
                while separator < end, query.byte(at: separator) != UInt8(ascii: "=") {
                    separator += 1
                }
                guard
                    let name = try TextEncoding.formDecoded(query.extracting(start..<separator)),
                    let text = name.bytes.publicText
                else { throw rejected(.malformedQuery) }
                parts.append((text, min(separator + 1, end)..<end))
            }
            start = end + 1
        }
        return parts
    }

    /// What is signed. The code is in it, and the state: both are secrets.
    private static func message(
        of parts: [Part], _ query: RawSpan
    ) throws(VaultError) -> Secret {
        let sorted = parts.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        // An escape makes three bytes of one at most.
        var message = try Secret(capacity: 3 * query.byteCount + 1)
        var fits = true
        for part in sorted {
            if message.count > 0 { fits = message.append("&") && fits }
            let name = part.name.utf8Span.span
            unsafe append(name.bytes, escaping: "%&=", to: &message)
            fits = message.append("=") && fits
            guard let value = try TextEncoding.formDecoded(query.extracting(part.value)) else {
                throw rejected(.malformedQuery)
            }
            append(value.bytes, escaping: "%&", to: &message)
        }
        precondition(fits)
        return message
    }

    private static func append(
        _ text: RawSpan, escaping escaped: StaticString, to message: inout Secret
    ) {
        var fits = true
        for offset in 0..<text.byteCount {
            let byte = text.byte(at: offset)
            let isEscaped = (0..<escaped.utf8CodeUnitCount).contains {
                unsafe escaped.utf8Start[$0] == byte
            }
            if isEscaped {
                fits =
                    message.append("%") && message.append(byte: TextEncoding.hexDigit(byte >> 4))
                    && message.append(byte: TextEncoding.hexDigit(byte & 15)) && fits
            } else {
                fits = message.append(byte: byte) && fits
            }
        }
        precondition(fits)
    }

    /// Compares in a time that does not depend on where they differ.
    private static func isEqual(
        _ shown: RawSpan, _ digest: borrowing Secret,
        _ encoding: Provider.CallbackSignature.Encoding
    ) throws(VaultError) -> Bool {
        switch encoding {
        case .base64:
            var text = try Secret(capacity: (digest.count + 2) / 3 * 4)
            guard TextEncoding.appendBase64(digest.bytes, to: &text) else { return false }
            return Sodium.isEqual(shown, text.bytes)
        case .hex:
            guard shown.byteCount == 2 * digest.count else { return false }
            var bytes = try Secret(zeroes: digest.count)
            for offset in 0..<digest.count {
                guard let high = TextEncoding.hexValue(shown.byte(at: 2 * offset)),
                    let low = TextEncoding.hexValue(shown.byte(at: 2 * offset + 1))
                else { return false }
                bytes.store(high << 4 | low, at: offset)
            }
            return Sodium.isEqual(bytes.bytes, digest.bytes)
        }
    }
}
