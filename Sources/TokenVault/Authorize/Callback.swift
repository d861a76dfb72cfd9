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
    /// - Parameter names: what the provider calls its parameters.
    /// - Throws: `callbackRejected`.
    init(query: RawSpan, names: Provider.ParameterNames = [:]) throws(VaultError) {
        var values = Parameters(names)
        try Self.split(query) { (name, raw) throws(VaultError) in try values.take(name, raw) }
        try self.init(values)
    }

    /// The state of a query, of which nothing else is known to be right; nil where there is none.
    ///
    /// - Throws: `callbackRejected`.
    static func state(
        of query: RawSpan, names: Provider.ParameterNames = [:]
    ) throws(VaultError) -> Secret? {
        var state: Secret?
        try split(query) { (name, raw) throws(VaultError) in
            guard state == nil, let known = names["state"], name.equals(known) else { return }
            state = try decoded(raw)
        }
        return state
    }

    /// Calls `take` with each parameter's name, and its value as it is written.
    static func split(
        _ query: RawSpan, _ take: (RawSpan, RawSpan) throws(VaultError) -> Void
    ) throws(VaultError) {
        guard query.byteCount <= queryBytesMax else {
            throw VaultError(.callbackRejected, .authorize, number: queryBytesMax, .malformedQuery)
        }
        var start = 0
        var parameters = 0
        for end in 0...query.byteCount
        where end == query.byteCount || query.byte(at: end) == UInt8(ascii: "&") {
            if end > start {
                parameters += 1
                guard parameters <= parametersMax else { throw malformed }
                var separator = start
                while separator < end, query.byte(at: separator) != UInt8(ascii: "=") {
                    separator += 1
                }
                try take(
                    query.extracting(start..<separator),
                    query.extracting(min(separator + 1, end)..<end))
            }
            start = end + 1
        }
    }

    private init(_ values: consuming Parameters) throws(VaultError) {
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
    static var malformed: VaultError { rejected(.malformedQuery) }

    private struct Parameters: ~Copyable {
        var state: Secret?
        var code: Secret?
        var issuer: String?
        var error: OAuthError?

        private let names: (state: String?, code: String?, issuer: String?, error: String?)

        init(_ names: Provider.ParameterNames) {
            self.names = (names["state"], names["code"], names["iss"], names["error"])
        }

        mutating func take(_ name: RawSpan, _ raw: RawSpan) throws(VaultError) {
            func isNamed(_ known: String?) -> Bool {
                guard let known else { return false }
                return name.equals(known)
            }
            if isNamed(names.state) {
                guard state == nil else { throw Callback.rejected(.parameterTwice) }
                state = try Callback.decoded(raw)
            } else if isNamed(names.code) {
                guard code == nil else { throw Callback.rejected(.parameterTwice) }
                code = try Callback.decoded(raw)
            } else if isNamed(names.issuer) {
                let value = try Callback.decoded(raw)
                guard issuer == nil else { throw Callback.rejected(.parameterTwice) }
                guard let text = value.bytes.publicText else { throw Callback.malformed }
                issuer = text
            } else if isNamed(names.error) {
                let value = try Callback.decoded(raw)
                guard error == nil else { throw Callback.rejected(.parameterTwice) }
                error = OAuthError(code: value.bytes)
            }
        }
    }

    /// Form-decodes a value; it must not be empty nor hold control characters.
    static func decoded(_ raw: RawSpan) throws(VaultError) -> Secret {
        guard let value = try TextEncoding.formDecoded(raw), value.count > 0
        else { throw malformed }
        return value
    }
}
