// SPDX-License-Identifier: Apache-2.0

/// The answer to a successful token request (RFC 6749 section 5.1).
struct TokenReply: Sendable {
    var accessToken: String
    var accessLifetime: Duration
    var refreshToken: String?
    var refreshLifetime: Duration?
    var scope: String

    /// The reply as JSON. `access_token` comes first: ``FaultyReply`` relies on it.
    func json(expiryStyle: ProviderSimulator.ExpiryStyle, unixNow: Int) -> String {
        var json = JSONText()
        json.add("access_token", accessToken)
        json.add("token_type", "Bearer")
        let seconds = Int(accessLifetime.components.seconds)
        switch expiryStyle {
        case .seconds: json.add("expires_in", seconds)
        case .secondsAsText: json.add("expires_in", String(seconds))
        case .unixTime: json.add("expires_at", unixNow + seconds)
        case .absent: break
        }
        if let refreshToken {
            json.add("refresh_token", refreshToken)
            if let refreshLifetime {
                json.add("refresh_token_expires_in", Int(refreshLifetime.components.seconds))
            }
        }
        json.add("scope", scope)
        return json.finished()
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

    /// The refusal as JSON.
    var json: String {
        var json = JSONText()
        guard let number else {
            json.add("error", code.description)
            json.add("error_description", description.description)
            return json.finished()
        }
        json.add("message", description.description)
        json.add("type", code.description)
        json.add("code", number)
        return "{\"error\":\(json.finished())}"
    }
}
