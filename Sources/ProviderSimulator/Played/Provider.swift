// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// A real provider as published facts describe it, for the server to play. Nearly all of it is
    /// data; ``Route`` and ``Shape`` say what the words in it mean.
    public struct Provider: Sendable {
        /// The name: `slack`. A variant has a longer one: `slack-without-rotation`.
        public internal(set) var name: String

        var routes: [Route]
        /// What `{host}` in a route may be, `*` standing for a name; the first is the default.
        var hosts: [String] = []
        /// What the other variables of the routes are where nothing says otherwise.
        var defaults: [String: String] = [:]

        // The authorization request.
        var scopeSeparators: Set<Character> = [" "]
        var needsResponseType = true
        /// Parameters without which a request is refused.
        var authorizeParameters: [String: String] = [:]
        var scopeError = "invalid_scope"
        var proof = Proof.verified
        var codeLifetime = AuthorizationCode.lifetime
        /// Members of the callback beside `code` and `state`, written as ``Shape`` writes text.
        var callback: [(name: String, value: String)] = []
        /// The same, where the person said no.
        var denial: [(name: String, value: String)] = [("error", "access_denied")]
        /// Whether the callback is signed as Shopify signs it.
        var signsCallback = false

        // The token request.
        var ways: Set<Way> = [.post]
        var bodies: Set<Body> = [.form]
        /// Whether a request with a code may leave `grant_type` out.
        var needsGrantType = true
        var codeNeedsRedirectURI = true
        var refreshNeedsRedirectURI = false
        /// The ranges in which a client may ask for lifetimes, by `expires_in` and
        /// `refresh_token_expires_in`.
        var askedLifetimes: (access: ClosedRange<Int>, refresh: ClosedRange<Int>)?

        // What it gives.
        var parts = [Part()]
        var offline = Offline.always
        /// nil is for ever.
        var accessLifetime: Int? = 3600
        var refreshLife = RefreshLife()
        var rotation = RefreshRotation.never(repeats: false)
        /// Whether a refresh ends the access tokens given before.
        var refreshEndsAccess = false
        var exchange: AccessExchange?
        /// Whether a second consent of one person is given the same refresh token.
        var sharesGrant = false
        /// Living grants of one person and client; the oldest ends silently.
        var grantsMax: Int?
        var grantsMaxCountsScopes = false

        // How it says so.
        var format = Format.json
        var scopeJoiner = " "
        var reply: Shape
        /// nil is ``reply``.
        var refreshReply: Shape?
        var replyHeaders: [String: String] = [:]
        var answers: [Answer] = []

        // What is known of all this.
        var doubts: [Subject: Confidence] = [:]
        var absent: [Subject: String] = [:]
        var notPlayed: [String] = []
        var assumed: [String] = []
    }
}

/// What a provider makes of `code_challenge` and `code_verifier`.
enum Proof: Sendable {
    /// S256, and the verifier is checked.
    case verified
    /// Accepted and not looked at.
    case ignored
    /// Refused with ``Cause/proofRefused``.
    case refused
}

/// A way in which a client proves to be itself.
enum Way: Sendable {
    /// `client_id` and `client_secret` among the parameters.
    case post
    /// HTTP Basic.
    case basic
    /// No secret, where PKCE was used.
    case proofOnly
    /// The secret as bearer token.
    case bearerSecret
    /// HTTP Basic with the secret as user name and no password.
    case secretAsUser
}

/// A kind of request body.
enum Body: Sendable {
    case form
    case json
    /// None, or `null` in JSON.
    case nothing
}

/// Tokens that come with one consent: most providers give one kind, Slack gives two.
struct Part: Sendable {
    var scopeParameter = "scope"
    /// What its variables begin with in ``ProviderSimulator/Provider/reply``.
    var variablePrefix = ""
    var accessPrefix = ""
    var refreshPrefix = ""
    /// Random bytes of the access token, where it is longer than the setting says.
    var accessBytes = 0
    /// The payload of the access token where that is a JWT.
    var claims: Shape?
    var variables: [String: String] = [:]
}

/// When a refresh token is given.
enum Offline: Sendable {
    case always
    case never
    /// One of these scopes is asked for.
    case scope(Set<String>)
    /// A parameter of the authorization request asks for it; where `again` is named, a person's
    /// second consent gives one only if that is asked, too.
    case parameter(String, String, again: (name: String, value: String)?)
    /// A parameter of the token request asks for it, and for an expiry.
    case tokenParameter(String, String)
}

/// How long a refresh token works, in seconds.
struct RefreshLife: Sendable {
    /// After it was issued, or used last.
    var idle: Int?
    /// After the consent.
    var absolute: Int?
}

/// What a refresh does to the refresh token.
enum RefreshRotation: Sendable {
    /// It stays, and comes again in the reply or not.
    case never(repeats: Bool)
    /// A new one each time. The one before works for `grace` seconds, or until its successor is
    /// used.
    case always(grace: Int)
    /// A new one each time, and the old ones go on working.
    case keepsOld
    /// The same one until it is this many seconds old, then a new one.
    case whenOlder(than: Int)
}

/// How an access token is exchanged for the next.
struct AccessExchange: Sendable {
    let grantType: String
    let parameter: String
    let lifetime: Int
}

/// The form of a reply's body.
enum Format: Sendable {
    case json
    /// `application/x-www-form-urlencoded`, unless `Accept` names JSON.
    case formByDefault
}
