// SPDX-License-Identifier: Apache-2.0

/// The body of a request in the making, in a secret: `application/x-www-form-urlencoded`, or a JSON
/// object with the same fields as strings.
///
/// A secret does not grow, so a form is filled twice by the same code: the first time it only
/// counts.
struct Form: ~Copyable {
    private let isJSON: Bool
    private var secret: Secret?
    private var byteCount = 0
    private var isFirst = true

    private init(into secret: consuming Secret?, _ body: Provider.RequestBody) {
        self.secret = secret
        isJSON = body == .json
    }

    /// The body that `fill` makes; it runs twice and must add the same fields both times.
    ///
    /// - Throws: `limitExceeded` where the body is longer than a secret can be (65,536 bytes);
    ///   `tooManySecrets`.
    static func filled(
        _ body: Provider.RequestBody = .form, _ fill: (inout Form) -> Void
    ) throws(VaultError) -> Secret {
        var counted = Form(into: nil, body)
        fill(&counted)
        counted.end()
        guard counted.byteCount <= SecretArena.secretBytesMax else {
            throw VaultError(.limitExceeded, .exchange, number: SecretArena.secretBytesMax)
        }
        var written = Form(into: try Secret(capacity: counted.byteCount), body)
        fill(&written)
        written.end()
        guard let secret = written.secret.take(), secret.count == counted.byteCount else {
            preconditionFailure("a form that changed between counting and writing")
        }
        return secret
    }

    /// Adds a field. Nothing where it has no name: it is left out.
    mutating func add(_ name: String?, _ value: RawSpan) {
        guard let name else { return }
        begin(name)
        encode(value)
        endField()
    }

    /// Adds a field whose value is no secret.
    mutating func add(_ name: String?, text value: String) {
        let value = value.utf8Span.span
        unsafe add(name, value.bytes)
    }

    /// Adds fields that are no secrets.
    mutating func add(_ parameters: [Provider.Parameter]) {
        for parameter in parameters { add(parameter.name, text: parameter.value) }
    }

    /// Adds who the client is, where the body says it: nothing where the header does, the id alone
    /// for a public client or one that signs, else id and secret.
    mutating func add(
        clientOf application: borrowing Application, by method: Provider.ClientAuthentication
    ) {
        guard method == .none || method == .post || method == .privateKeyJWT else { return }
        let names = application.provider.tokenParameterNames
        add(names["client_id"], text: application.clientID)
        guard method == .post else { return }
        switch application.clientSecret {
        case .some(let secret): add(names["client_secret"], secret.bytes)
        case .none: break
        }
    }

    /// Adds what the client has signed (RFC 7523 section 2.2), or nothing, to be put in later.
    /// Returns where it begins: what is base64url stands in a body as it is.
    mutating func add(assertion: RawSpan) -> Int {
        add("client_assertion_type", text: AssertionMaker.clientAssertionType)
        return add("client_assertion", assertion: assertion)
    }

    /// Adds what was signed. Returns where it begins.
    mutating func add(_ name: String, assertion: RawSpan) -> Int {
        begin(name)
        let start = byteCount
        encode(assertion)
        endField()
        return start
    }

    /// Adds a field whose value is put in later. Returns where.
    mutating func addGap(_ name: String) -> Int {
        begin(name)
        let gap = byteCount
        endField()
        return gap
    }

    private mutating func begin(_ name: String) {
        if isJSON {
            add(byte: UInt8(ascii: isFirst ? "{" : ","))
            add(byte: UInt8(ascii: "\""))
        } else if !isFirst {
            add(byte: UInt8(ascii: "&"))
        }
        isFirst = false
        let span = name.utf8Span.span
        unsafe encode(span.bytes)
        if isJSON {
            for byte in [UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: "\"")] {
                add(byte: byte)
            }
        } else {
            add(byte: UInt8(ascii: "="))
        }
    }

    private mutating func endField() {
        if isJSON { add(byte: UInt8(ascii: "\"")) }
    }

    private mutating func end() {
        guard isJSON else { return }
        if isFirst { add(byte: UInt8(ascii: "{")) }
        add(byte: UInt8(ascii: "}"))
    }

    private mutating func add(byte: UInt8) {
        byteCount += 1
        _ = secret?.append(byte: byte)
    }

    private mutating func encode(_ span: RawSpan) {
        byteCount += Self.encodedByteCount(span, isJSON: isJSON)
        guard var taken = secret.take() else { return }
        _ = Self.append(span, to: &taken, isJSON: isJSON)
        secret = consume taken
    }

    /// How many bytes a value has in a body.
    static func encodedByteCount(_ span: RawSpan, isJSON: Bool) -> Int {
        isJSON
            ? TextEncoding.jsonEscapedByteCount(span) : TextEncoding.formEncodedByteCount(span)
    }

    /// Appends a value as it stands in a body. False where the secret is full.
    static func append(_ span: RawSpan, to secret: inout Secret, isJSON: Bool) -> Bool {
        isJSON
            ? TextEncoding.appendJSONEscaped(span, to: &secret)
            : TextEncoding.appendFormEncoded(span, to: &secret)
    }
}
