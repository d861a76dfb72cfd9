// SPDX-License-Identifier: Apache-2.0

/// An `application/x-www-form-urlencoded` body in the making, in a secret.
///
/// A secret does not grow, so a form is filled twice by the same code: the first time it only
/// counts.
struct Form: ~Copyable {
    private var secret: Secret?
    private var byteCount = 0
    private var isFirst = true

    private init(into secret: consuming Secret?) { self.secret = secret }

    /// The body that `fill` makes; it runs twice and must add the same fields both times.
    ///
    /// - Throws: `limitExceeded` where the body is longer than a secret can be (65,536 bytes);
    ///   `tooManySecrets`.
    static func filled(_ fill: (inout Form) -> Void) throws(VaultError) -> Secret {
        var counted = Form(into: nil)
        fill(&counted)
        guard counted.byteCount <= SecretArena.secretBytesMax else {
            throw VaultError(.limitExceeded, .exchange, number: SecretArena.secretBytesMax)
        }
        var written = Form(into: try Secret(capacity: counted.byteCount))
        fill(&written)
        guard let secret = written.secret.take(), secret.count == counted.byteCount else {
            preconditionFailure("a form that changed between counting and writing")
        }
        return secret
    }

    /// Adds a field.
    mutating func add(_ name: StaticString, _ value: RawSpan) {
        add(name.description, value)
    }

    /// Adds a field whose value is no secret.
    mutating func add(_ name: String, text value: String) {
        let span = value.utf8Span.span
        add(name, unsafe span.bytes)
    }

    private mutating func add(_ name: String, _ value: RawSpan) {
        if !isFirst { add(byte: UInt8(ascii: "&")) }
        isFirst = false
        let span = name.utf8Span.span
        encode(unsafe span.bytes)
        add(byte: UInt8(ascii: "="))
        encode(value)
    }

    private mutating func add(byte: UInt8) {
        byteCount += 1
        _ = secret?.append(byte: byte)
    }

    private mutating func encode(_ span: RawSpan) {
        byteCount += TextEncoding.formEncodedByteCount(span)
        guard var taken = secret.take() else { return }
        _ = TextEncoding.appendFormEncoded(span, to: &taken)
        secret = consume taken
    }
}
