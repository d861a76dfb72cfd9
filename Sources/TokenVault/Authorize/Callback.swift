// SPDX-License-Identifier: Apache-2.0

/// The query of a callback (RFC 6749 section 4.1.2, RFC 9207), parsed where it lies.
struct Callback: ~Copyable {
    /// The longest query, in bytes, and the most parameters.
    static let queryBytesMax = 8192
    static let parametersMax = 32

    let state: Secret
    /// The code, unless the provider refused.
    let code: Secret?
    let issuer: String?
    /// The `error` that came instead of a code. The provider's own text is never kept.
    let error: OAuthError?

    /// What it means: that the user or the provider said no, or that the request was not in order.
    var refusal: VaultError {
        if error == .accessDenied { return VaultError(.flowDenied, .authorize) }
        return VaultError(
            .authorizationRefused, .authorize, number: Int((error ?? .other).rawValue))
    }

    /// Parses a query without its question mark. A parameter that appears twice makes it invalid
    /// (RFC 6749 section 3.1); unknown ones are passed over.
    ///
    /// - Throws: `callbackRejected`.
    init(query: RawSpan) throws(VaultError) {
        guard query.byteCount <= Self.queryBytesMax else {
            throw VaultError(
                .callbackRejected, .authorize, number: Self.queryBytesMax, .malformedQuery)
        }
        var values = Values()
        var start = 0
        var parameters = 0
        for end in 0...query.byteCount
        where end == query.byteCount || query.byte(at: end) == UInt8(ascii: "&") {
            if end > start {
                parameters += 1
                guard parameters <= Self.parametersMax else { throw Self.malformed }
                try values.take(query.extracting(start..<end))
            }
            start = end + 1
        }
        try self.init(values)
    }

    private init(_ values: consuming Values) throws(VaultError) {
        issuer = values.issuer
        error = values.error
        let hasCode = values.code != nil
        guard hasCode != (values.error != nil) else {
            throw Self.rejected(hasCode ? .codeAndError : .neitherCodeNorError)
        }
        guard let state = values.state.take() else {
            // Whose it is cannot be known: whoever waits may be told what it says.
            throw VaultError(
                .callbackRejected, .authorize,
                detail: FailureDetail(error: values.error, cause: .noState))
        }
        self.state = state
        code = values.code.take()
    }

    static func rejected(_ cause: FailureCause) -> VaultError {
        VaultError(.callbackRejected, .authorize, cause)
    }
    private static var malformed: VaultError { rejected(.malformedQuery) }

    private struct Values: ~Copyable {
        var state: Secret?
        var code: Secret?
        var issuer: String?
        var error: OAuthError?

        mutating func take(_ parameter: RawSpan) throws(VaultError) {
            var separator = 0
            while separator < parameter.byteCount,
                parameter.byte(at: separator) != UInt8(ascii: "=")
            { separator += 1 }
            let name = parameter.extracting(0..<separator)
            let from = min(separator + 1, parameter.byteCount)
            let raw = parameter.extracting(from..<parameter.byteCount)
            if name.equalsText("state") {
                guard state == nil else { throw Callback.rejected(.parameterTwice) }
                state = try Callback.decoded(raw)
            } else if name.equalsText("code") {
                guard code == nil else { throw Callback.rejected(.parameterTwice) }
                code = try Callback.decoded(raw)
            } else if name.equalsText("iss") {
                let value = try Callback.decoded(raw)
                guard issuer == nil else { throw Callback.rejected(.parameterTwice) }
                guard let text = value.bytes.publicText else { throw Callback.malformed }
                issuer = text
            } else if name.equalsText("error") {
                let value = try Callback.decoded(raw)
                guard error == nil else { throw Callback.rejected(.parameterTwice) }
                error = OAuthError(code: value.bytes)
            }
        }
    }

    /// Form-decodes a value; it must not be empty nor hold control characters.
    private static func decoded(_ raw: RawSpan) throws(VaultError) -> Secret {
        guard let value = try TextEncoding.formDecoded(raw), value.count > 0
        else { throw malformed }
        return value
    }
}
