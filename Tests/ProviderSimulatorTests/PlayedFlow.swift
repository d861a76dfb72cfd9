// SPDX-License-Identifier: Apache-2.0

import Testing

/// What the facts say of one provider's flow, to be tried step by step. Written from
/// `providers.json`, not from what the server does.
struct PlayedFlow: Sendable, CustomTestStringConvertible {
    let name: String
    let authorize: String
    var query: [String: String] = ["scope": "read"]
    let token: String
    /// Whether the client is authenticated by HTTP Basic, as by default at this provider.
    var basic = false
    var json = false
    var codeFields: [String: String] = [:]
    var refreshFields: [String: String] = [:]
    var hasPKCE = true
    var headers: [String: String] = [:]

    /// Paths in the first reply with the value that they have; nil is any.
    var shape: [String: String?]
    /// Paths that the first reply must not have.
    var lacks: [String] = []
    /// What a refresh says of the refresh token.
    var refresh = Refreshed.new
    /// What becomes of a refresh token that was used.
    var old = Old.dead
    /// Whether a refresh ends the access token before.
    var endsAccess = false
    /// The answer to the refresh token of a grant that the person ended.
    var lost: Refused
    /// The answer to one that no one knows.
    var unknown: Refused?
    /// The answer to an old one.
    var wrongSecret: Refused?
    /// How long a refresh token works, unused, in seconds.
    var lifetime: Int?
    /// The answer to one whose time is over.
    var expired: Refused?
    var revoke: Revoke?

    var testDescription: String { name }

    enum Refreshed: Sendable {
        case new, same, absent
    }

    enum Old: Sendable {
        case dead
        case works
        /// Answered with the current one for so many seconds.
        case grace(Int)
    }

    /// A status, and paths with their values.
    struct Refused: Sendable {
        let status: Int
        let body: [String: String]

        init(_ status: Int, _ body: [String: String]) {
            (self.status, self.body) = (status, body)
        }

        static func grant(_ description: String? = nil) -> Refused {
            var body = ["error": "invalid_grant"]
            body["error_description"] = description
            return Refused(400, body)
        }
    }

    struct Revoke: Sendable {
        var method = "POST"
        let address: String
        /// `{access}`, `{refresh}` stand for the tokens.
        var fields: [String: String]?
        var json = false
        var headers: [String: String] = [:]
        var ok = Refused(200, [:])
        /// What the same request gives once more.
        var again: Refused?
    }
}
