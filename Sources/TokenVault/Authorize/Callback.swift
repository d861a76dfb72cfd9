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
    let denial: Denial?

    /// The error codes of RFC 6749 section 4.1.2.1; anything else is `other`. The provider's own
    /// text is never kept.
    enum Denial: String {
        case accessDenied = "access_denied"
        case invalidRequest = "invalid_request"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedResponseType = "unsupported_response_type"
        case invalidScope = "invalid_scope"
        case serverError = "server_error"
        case temporarilyUnavailable = "temporarily_unavailable"
        case other = ""
    }

    /// Parses a query without its question mark. A parameter that appears twice makes it invalid
    /// (RFC 6749 section 3.1); unknown ones are passed over.
    ///
    /// - Throws: `callbackRejected`.
    init(query: RawSpan) throws(VaultError) {
        guard query.byteCount <= Self.queryBytesMax else {
            throw VaultError(.callbackRejected, .authorize, number: Self.queryBytesMax)
        }
        var values = Values()
        var start = 0
        var parameters = 0
        for end in 0...query.byteCount
        where end == query.byteCount || query.byte(at: end) == UInt8(ascii: "&") {
            if end > start {
                parameters += 1
                guard parameters <= Self.parametersMax else { throw Self.rejected }
                try values.take(query.extracting(start..<end))
            }
            start = end + 1
        }
        try self.init(values)
    }

    private init(_ values: consuming Values) throws(VaultError) {
        issuer = values.issuer
        denial = values.denial
        let hasCode = values.code != nil
        guard hasCode != (values.denial != nil) else { throw Self.rejected }
        guard let state = values.state.take() else { throw Self.rejected }
        self.state = state
        code = values.code.take()
    }

    private static var rejected: VaultError { VaultError(.callbackRejected, .authorize) }

    private struct Values: ~Copyable {
        var state: Secret?
        var code: Secret?
        var issuer: String?
        var denial: Denial?

        mutating func take(_ parameter: RawSpan) throws(VaultError) {
            var separator = 0
            while separator < parameter.byteCount,
                parameter.byte(at: separator) != UInt8(ascii: "=")
            { separator += 1 }
            let name = parameter.extracting(0..<separator)
            let from = min(separator + 1, parameter.byteCount)
            let raw = parameter.extracting(from..<parameter.byteCount)
            if name.equalsText("state") {
                guard state == nil else { throw Callback.rejected }
                state = try Callback.decoded(raw)
            } else if name.equalsText("code") {
                guard code == nil else { throw Callback.rejected }
                code = try Callback.decoded(raw)
            } else if name.equalsText("iss") {
                let value = try Callback.decoded(raw)
                guard issuer == nil, let text = value.bytes.publicText else {
                    throw Callback.rejected
                }
                issuer = text
            } else if name.equalsText("error") {
                let value = try Callback.decoded(raw)
                guard denial == nil, let text = value.bytes.publicText else {
                    throw Callback.rejected
                }
                denial = Denial(rawValue: text) ?? .other
            }
        }
    }

    /// Form-decodes a value; it must not be empty nor hold control characters.
    private static func decoded(_ raw: RawSpan) throws(VaultError) -> Secret {
        var value = try Secret(zeroes: raw.byteCount)
        value.shorten(to: 0)
        var index = 0
        while index < raw.byteCount {
            var byte = raw.byte(at: index)
            if byte == UInt8(ascii: "%") {
                guard index + 2 < raw.byteCount,
                    let high = TextEncoding.hexValue(raw.byte(at: index + 1)),
                    let low = TextEncoding.hexValue(raw.byte(at: index + 2))
                else { throw rejected }
                byte = high << 4 | low
                index += 2
            } else if byte == UInt8(ascii: "+") {
                byte = 0x20
            }
            guard byte >= 0x20, byte != 0x7f, value.append(byte: byte) else { throw rejected }
            index += 1
        }
        guard value.count > 0 else { throw rejected }
        return value
    }
}
