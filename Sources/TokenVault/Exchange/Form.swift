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
        let nameBytes = unsafe RawSpan(
            _unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount)
        add(nameBytes, value)
    }

    /// Adds a field whose name a definition gives.
    mutating func add(named name: String, _ value: RawSpan) {
        let name = name.utf8Span.span
        unsafe add(name.bytes, value)
    }

    /// Adds a field whose value is no secret.
    mutating func add(_ name: String, text value: String) {
        let (name, value) = (name.utf8Span.span, value.utf8Span.span)
        unsafe add(name.bytes, value.bytes)
    }

    /// Adds fields that are no secrets.
    mutating func add(_ parameters: [Provider.Parameter]) {
        for parameter in parameters { add(parameter.name, text: parameter.value) }
    }

    /// Adds who the client is, where the form says it.
    mutating func add(_ credentials: ClientCredentials) {
        add(encoded: credentials.formFields)
    }

    private mutating func add(encoded fields: borrowing Secret?) {
        switch fields {
        case .some(let fields):
            separate()
            byteCount += fields.count
            _ = secret?.append(fields.bytes)
        case .none: break
        }
    }

    private mutating func add(_ name: RawSpan, _ value: RawSpan) {
        separate()
        encode(name)
        add(byte: UInt8(ascii: "="))
        encode(value)
    }

    private mutating func separate() {
        if !isFirst { add(byte: UInt8(ascii: "&")) }
        isFirst = false
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
