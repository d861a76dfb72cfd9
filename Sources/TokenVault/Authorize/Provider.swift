// SPDX-License-Identifier: Apache-2.0

/// An authorization server and how it behaves: data, never code.
///
/// Endpoints are absolute URLs of at most 2,048 bytes, `https` but for loopback where the vault's
/// settings allow it; they are checked again, address and all, each time they are used. Where they
/// differ from connection to connection they hold names in braces: see `variables`.
public struct Provider: Hashable, Sendable {
    /// How the client authenticates at the token and the revocation endpoint (RFC 6749 section
    /// 2.3.1). A setting, never tried out: a refresh that guesses can cost the grant.
    @nonexhaustive
    public enum ClientAuthentication: UInt8, Sendable {
        /// HTTP Basic, id and secret form-encoded first, as the RFC says.
        case basic = 1
        /// HTTP Basic with the raw id and secret, as some servers insist.
        case basicRaw = 2
        /// `client_id` and `client_secret` in the body.
        case post = 3
        /// A public client: `client_id` alone.
        case none = 4
        /// HTTP Basic with the raw secret as the user and an empty password; the secret has no
        /// colon.
        case secretAsUser = 5
        /// `Authorization: Bearer` with the secret.
        case bearer = 6
        /// `client_assertion`: what the application's signing key has signed, anew for each request
        /// (RFC 7523 section 2.2); no secret.
        case privateKeyJWT = 7

        /// Whether it takes a client secret.
        package var usesSecret: Bool { self != .none && self != .privateKeyJWT }
    }

    /// What is presented at the token endpoint for new tokens.
    @nonexhaustive
    public enum RefreshGrant: Hashable, Sendable {
        /// The refresh token (RFC 6749 section 6).
        case refreshToken
        /// The access token itself, in a parameter of this name, while it lives: the provider has
        /// no refresh tokens. Both texts have 1 to 64 bytes; RFC 6749's own grant types, and
        /// parameters that the request sets anyway, are refused. Facebook calls both
        /// `fb_exchange_token`.
        case exchange(grantType: String, parameter: String)
    }

    /// What becomes of a refresh token that is used.
    @nonexhaustive
    public enum Rotation: UInt8, Sendable {
        /// It stays as it is: the same one may be presented again and again.
        case never = 1
        /// Each refresh brings a new one in its place.
        case always = 2
        /// Some refreshes do, and nobody knows before which.
        case sometimes = 3
    }

    /// An answer, by its HTTP status and the `error` it names, by which a provider says that a
    /// grant is gone though RFC 6749 has another code for that.
    public struct GrantLostAnswer: Hashable, Sendable {
        /// The HTTP status; 400 to 499.
        public var status: Int
        /// The value of `error`; nil for an answer that names none, be it empty, a page or JSON
        /// without that member.
        public var error: String?

        /// An answer.
        public init(status: Int, error: String?) {
            self.status = status
            self.error = error
        }
    }

    /// A parameter added to a request, in order.
    public struct Parameter: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its value; no secret.
        public var value: String

        /// A parameter.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A short name for people, such as `github`; 1 to 64 bytes.
    public var name: String
    /// The authorization endpoint (RFC 6749 section 3.1); empty where there is none, since the
    /// client asks for tokens by itself: `clientCredentialsGrantType`, `assertionClaims`.
    public var authorizationEndpoint: String
    /// The token endpoint (RFC 6749 section 3.2).
    public var tokenEndpoint: String
    /// The revocation endpoint (RFC 7009), where there is one.
    public var revocationEndpoint: String?
    /// How tokens are revoked there; nil for what RFC 7009 says.
    public var revocation: RevocationRequest?
    /// The issuer; where set, an `iss` in the callback must be exactly this (RFC 9207).
    public var issuer: String?
    /// Whether every callback with a code has an `iss`, so that one without is refused: what the
    /// provider's metadata says under this name (RFC 9207 section 3). Needs `issuer`. A callback
    /// that brings an error instead of a code may leave it out.
    public var sendsIssuer = false
    /// The device authorization endpoint (RFC 8628 section 3.1), where there is one.
    public var deviceAuthorizationEndpoint: String?
    /// How device authorization works where that is not as RFC 8628 has it; nil for what it says.
    public var deviceAuthorization: DeviceGrant?
    /// What is looked up after connecting; nil for nothing.
    public var lookup: Lookup?
    /// How callbacks are signed; nil where they are not. One that is not signed so is refused, and
    /// its flow stays open.
    public var callbackSignature: CallbackSignature?
    /// How the client authenticates.
    public var clientAuthentication: ClientAuthentication = .basic
    /// The `aud` of what the client signs of itself; nil for the issuer, and where there is none
    /// the token endpoint.
    public var assertionAudience: String?
    /// What stands between scopes in a request; the RFC's is a space.
    public var scopeSeparator = " "
    /// Whether PKCE S256 (RFC 7636) is sent. Off only for servers that refuse it.
    public var usesPKCE = true
    /// Added to the authorization request. Names the flow itself sets are refused, but for those
    /// that `authorizationParameterNames` changes.
    public var authorizationParameters: [Parameter] = []
    /// Added to every token request. Names the flow itself sets are refused, but for those that
    /// `tokenParameterNames` changes.
    public var tokenParameters: [Parameter] = []
    /// Added to the exchange of a code alone.
    public var exchangeParameters: [Parameter] = []
    /// Added to refreshes alone.
    public var refreshParameters: [Parameter] = []
    /// The grant type by which the client asks for tokens by itself (RFC 6749 section 4.4.2), 1 to
    /// 64 bytes; nil for `client_credentials`, where there is an authorization endpoint too.
    public var clientCredentialsGrantType: String?
    /// Added to these requests alone. A value may name variables in braces; a `scope` among them
    /// goes instead of the scopes that are asked for.
    public var clientCredentialsParameters: [Parameter] = []
    /// What the assertions say by which the client asks for somebody's tokens (RFC 7523 section
    /// 2.1), beside `iss`, `sub`, `aud`, `iat`, `exp` and `jti`; nil where it does not ask so. A
    /// value may name variables in braces, `{client_id}`, and `{scope}`, which is then no
    /// parameter. An `iss` among them goes instead of the client id. At most 16.
    public var assertionClaims: [Parameter]?
    /// How the body of token requests is written. Revocations are forms (RFC 7009 section 2.1).
    public var requestBody = RequestBody.form
    /// Where refreshes go instead of the token endpoint.
    public var refreshEndpoint: String?
    /// Header fields of token and revocation requests, `Accept` and `User-Agent` among them; no
    /// secrets. At most 16, each value 1 to 1,024 bytes of printable ASCII. What frames a message,
    /// authenticates, or names the host is refused.
    public var requestHeaders: [Parameter] = []
    /// The names of what the authorization request sends.
    public var authorizationParameterNames: ParameterNames = [:]
    /// The names of what token requests send; those of `client_id` and `client_secret` are the
    /// revocation's too.
    public var tokenParameterNames: ParameterNames = [:]
    /// The names of what the callback brings: `code`, `state`, `error` and `iss`.
    public var callbackParameterNames: ParameterNames = [:]
    /// Whether a refresh repeats the redirect URI.
    public var sendsRedirectURIOnRefresh = false
    /// The parameter of the authorization request that has a fresh random value, where there is
    /// one; nothing is compared with it.
    public var nonceParameter: String?
    /// The parameter of the authorization request that has `Application.userScopes`, where there is
    /// one: Slack's `user_scope`.
    public var userScopeParameter: String?
    /// Scopes that are always asked for: without them there is no refresh token. At most 8.
    public var refreshScopes: [String] = []
    /// What the authorization endpoint is asked for (RFC 6749 section 3.1.1); 1 to 64 bytes.
    public var responseType = "code"
    /// The access token's lifetime in seconds where the reply does not say.
    public var defaultLifetimeSeconds: Int64?
    /// Whether an access token expires where neither the reply nor a default says when: then an
    /// hour is assumed. Where not, it is lent until it is rejected, and refreshed only to keep the
    /// refresh token alive.
    public var accessTokensExpire = true
    /// What is presented for new tokens.
    public var refreshGrant = RefreshGrant.refreshToken
    /// The error codes, beside `invalid_grant`, by which the provider says that a grant is gone: in
    /// `error`, in `status`, or in the `code` of an `error` that is an object. At most 16, each of
    /// 1 to 64 bytes of printable ASCII; RFC 6749's other codes are refused.
    public var grantLostErrors: [String] = []
    /// The answers, beside those of `grantLostErrors`, by which the provider says that a grant is
    /// gone. At most 16. Each may also mean that the client secret is wrong, so it is believed only
    /// where it comes again after another connection of the unchanged application has succeeded.
    public var grantLostAnswers: [GrantLostAnswer] = []
    /// Whether a refresh replaces the refresh token. Where it may, and without
    /// `reuseGraceSeconds`, the answer to a refresh is waited for as long as it can come.
    public var rotation = Rotation.always
    /// How long the answer to a refresh is waited for, in seconds, where nothing but it holds the
    /// new refresh token; 15 to 3,600.
    public var listenSeconds = Self.listenSecondsDefault
    /// The `token_type`s beside `Bearer` of tokens that are sent as bearer tokens all the same,
    /// compared without case. At most 16, each of 1 to 64 bytes of printable ASCII.
    public var bearerTokenTypes: [String] = []
    /// Whether connecting again leaves the grant before alive at the provider, so that its tokens
    /// are revoked once the new ones are stored, and so is what a late answer to them brings. Off
    /// where a user has one grant for each application: revoking the old tokens would end the new
    /// ones.
    public var revokesReplacedGrant = false
    /// Where the members of an answer lie that are not at its top.
    public var replyMembers = ReplyMembers()
    /// What the lifetimes in an answer count.
    public var lifetimeUnit = LifetimeUnit.seconds
    /// The member by which a success (2xx) says that it is one; nil where the status says so. An
    /// answer with another value there is a refusal, with that value as its error code unless it
    /// names one elsewhere. One without the member is what it is.
    public var successCode: SuccessCode?
    /// The answers, and error codes in any answer, that look like a refusal or a lost grant and
    /// pass: the same token is presented again later. At most 16.
    public var temporaryErrors: [TemporaryError] = []
    /// Where else an answer has error codes, for `grantLostErrors` and kin; at most 4 paths.
    public var errorPaths: [String] = []
    /// The values of an answer that are kept, sealed, beside the tokens; one that a later answer
    /// leaves out stays. At most 32, each a text, a number or a flag of at most 1,024 bytes, 8,192
    /// bytes together; longer ones are left out. No secrets.
    public var capturedFromReply: [CapturedMember] = []
    /// The tokens of a second connection that the answer to a code may hold beside its own; nil
    /// where there is one connection for each consent.
    public var secondConnection: SecondConnection?
    /// How long, in seconds, the provider still takes a refresh token that it has replaced.
    public var reuseGraceSeconds: Int64 = 0
    /// How long a refresh token lives without being used, in seconds, 600 at least; nil where it
    /// does not expire that way. It is used once in half of this time.
    public var refreshTokenIdleSeconds: Int64?
    /// How long a connection lives in seconds from the user's consent on, whatever is refreshed,
    /// 600 at least; nil where there is no such limit.
    public var refreshTokenLifetimeSeconds: Int64?
    /// How long before its expiry an access token may be refreshed at the earliest, in seconds, 1
    /// at least; nil for the vault's own margin, 300 s or a quarter of the token's lifetime.
    public var refreshMarginSeconds: Int64?
    /// The most refreshes in flight at the token endpoint; 1 to 1,024. It is shared by the
    /// applications that name the same endpoint; where they differ the least holds for all.
    public var concurrentRefreshesMax = Self.concurrentRefreshesDefault
    /// The most refreshes that leave for the token endpoint within any second; 1 to 100,000. Shared
    /// in the same way.
    public var refreshesPerSecondMax = Self.refreshesPerSecondDefault
    /// What its endpoints leave open, by name: `{name}` stands for the value in each of the URLs,
    /// the issuer and `resourceHosts`. At most 16; a name has 1 to 32 small letters, digits and
    /// `_`.
    public var variables: [String: Variable] = [:]
    /// Further hosts of the provider's API, or templates of such; at most 16. They are kept for
    /// whoever calls it: the vault sends nothing there.
    public var resourceHosts: [String] = []
    /// Which parameters of the callback are kept with the tokens, and under which name, such as
    /// `realmId`; at most 16. Values are no secrets, 1,024 bytes at most.
    public var capturedFromCallback: [String: String] = [:]

    /// A provider with the RFCs' own behaviour.
    public init(
        name: String, authorizationEndpoint: String = "", tokenEndpoint: String,
        revocationEndpoint: String? = nil
    ) {
        self.name = name
        self.authorizationEndpoint = authorizationEndpoint
        self.tokenEndpoint = tokenEndpoint
        self.revocationEndpoint = revocationEndpoint
    }
}
