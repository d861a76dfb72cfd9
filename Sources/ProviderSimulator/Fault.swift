// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// A way for a reply to go wrong. Each fault says whether the request was carried out first:
    /// a refresh that was carried out has rotated the token, and the client may not know.
    public enum Fault: Sendable, Equatable {
        /// This HTTP status with an empty body, and a `Retry-After` header if there is one. The
        /// request is not carried out.
        case status(Int, retryAfter: String?)

        /// An HTML page with status 200, as a captive portal sends. Not carried out.
        case htmlPage

        /// Bytes that are neither JSON nor text, declared as JSON, status 200. Not carried out.
        case notJSON

        /// The true reply followed by white space up to 1 MiB. Carried out.
        case hugeBody

        /// The true reply, one byte a second. Carried out.
        case oneByteASecond

        /// The connection is closed and nothing is sent. Carried out.
        case closedWithoutReply

        /// The wait comes first, then the request is carried out and answered.
        case delayBefore(Duration)

        /// The request is carried out at once, and answered after the wait.
        case delayAfter(Duration)

        /// Status 302 to this location. Not carried out.
        case redirect(to: String)

        /// The first half of the true reply, its length stated as if it were all. Carried out.
        case truncatedJSON

        /// The provider's own answer of this name, one of ``Provider/ownAnswers``; status 501 where
        /// it has none. Not carried out. For a server that plays providers.
        case answer(String)

        /// The true reply with a second, worthless `access_token` before the true one. Carried out.
        case duplicateAccessToken
    }

    /// The endpoints whose replies can be made to fail.
    public enum Endpoint: String, Sendable, Codable {
        /// `POST /token`
        case token
        /// `POST /revoke`
        case revoke
        /// The document of RFC 8414.
        case oauthMetadata = "oauth_metadata"
        /// That of OpenID Connect Discovery.
        case openIDMetadata = "openid_metadata"
    }
}

/// A fault and the number of replies it still applies to; nil is all of them.
struct FaultOrder: Sendable, Equatable {
    var fault: ProviderSimulator.Fault
    var replies: Int?
}
