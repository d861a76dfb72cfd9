// SPDX-License-Identifier: Apache-2.0

/// The answer to a successful token request (RFC 6749 section 5.1).
struct TokenReply: Sendable {
    var accessToken: String
    var accessLifetime: Duration
    var refreshToken: String?
    var refreshLifetime: Duration?
    var scope: String

    /// The reply as JSON, put together from its parts: a general encoder would cost more than the
    /// refresh itself. Tokens are ``String/isUnreserved`` and need no escape. `access_token` comes
    /// first: ``FaultyReply`` relies on it.
    func json(expiryStyle: ProviderSimulator.ExpiryStyle, unixNow: Int) -> String {
        var json = #"{"access_token":"\#(accessToken)","token_type":"Bearer""#
        let seconds = Int(accessLifetime.components.seconds)
        switch expiryStyle {
        case .seconds: json += #","expires_in":\#(seconds)"#
        case .secondsAsText: json += #","expires_in":"\#(seconds)""#
        case .unixTime: json += #","expires_at":\#(unixNow + seconds)"#
        case .absent: break
        }
        if let refreshToken {
            json += #","refresh_token":"\#(refreshToken)""#
            if let refreshLifetime {
                json += #","refresh_token_expires_in":\#(refreshLifetime.components.seconds)"#
            }
        }
        return json + #","scope":\#(TokenReply.quoted(scope))}"#
    }

    /// A scope as a JSON string. Almost none has anything to escape.
    private static func quoted(_ scope: String) -> String {
        let isPlain = scope.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c }
        return isPlain ? "\"\(scope)\"" : (try? JSON.text(scope)) ?? "null"
    }
}

/// A refusal as RFC 6749 section 5.2 writes it, or with a number as Facebook does.
struct OAuthError: Error, Sendable {
    let code: StaticString
    let description: StaticString
    var status = 400
    /// The number of a refusal that is written as an object.
    var number: Int?

    init(
        _ code: StaticString, _ description: StaticString, status: Int = 400, number: Int? = nil
    ) {
        self.code = code
        self.description = description
        self.status = status
        self.number = number
    }

    /// The refusal as JSON. Our own words have nothing to escape.
    var json: String {
        guard let number else {
            return #"{"error":"\#(code)","error_description":"\#(description)"}"#
        }
        return #"{"error":{"message":"\#(description)","type":"\#(code)","code":\#(number)}}"#
    }
}
