// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// How tokens are revoked where that is not as RFC 7009 has it. What is not said here is as
    /// there: a POST of a form with `token`, by an authenticated client, of both tokens.
    ///
    /// `revocationEndpoint`, and the values of `parameters` and `headers`, are templates then:
    /// `{client_id}`, and `{name}` for what was captured under that name, stand for those values.
    public struct RevocationRequest: Hashable, Sendable {
        /// The HTTP method.
        @nonexhaustive
        public enum Method: String, Sendable, CaseIterable {
            /// POST.
            case post
            /// DELETE.
            case delete
            /// GET.
            case get
        }

        /// Who the request says that it comes from.
        @nonexhaustive
        public enum Authentication: Hashable, Sendable {
            /// As at the token endpoint: `clientAuthentication`.
            case client
            /// Nobody.
            case none
            /// HTTP Basic, client id and secret form-encoded first.
            case basic
            /// HTTP Basic with the raw client id and secret.
            case basicRaw
            /// `client_id` and `client_secret` in the body.
            case post
            /// HTTP Basic with the client secret as the user, and no password.
            case secretAsUser
            /// The token itself as a bearer token (RFC 6750 section 2.1).
            case bearer
            /// The token itself as the value of this header field.
            case header(String)
        }

        /// What the parameters are written as.
        @nonexhaustive
        public enum Body: String, Sendable, CaseIterable {
            /// `application/x-www-form-urlencoded`.
            case form
            /// A JSON object of strings.
            case json
            /// Nothing: no parameter is sent.
            case none
        }

        /// Which token is presented.
        @nonexhaustive
        public enum Tokens: String, Sendable, CaseIterable {
            /// Both, the refresh token first.
            case both
            /// The refresh token.
            case refresh
            /// The access token. Where that has expired it is refreshed first, if it can be.
            case access
            /// The refresh token, or the access token where there is none.
            case refreshOrAccess = "refresh_or_access"
        }

        /// The HTTP method.
        public var method = Method.post
        /// Who it comes from.
        public var authentication = Authentication.client
        /// What the parameters are written as.
        public var body = Body.form
        /// The name of the parameter that holds the token; empty where none does.
        public var parameter = Self.parameterDefault
        /// Whether a form says which token it is, as `token_type_hint`.
        public var sendsHint = true
        /// Further parameters, at most `parametersMax`.
        public var parameters: [Parameter] = []
        /// Header fields, at most `Provider.requestHeadersMax`.
        public var headers: [Parameter] = []
        /// Which token is presented.
        public var tokens = Tokens.both
        /// Whether the other token ends with the one that is presented.
        public var endsGrant = false
        /// The HTTP statuses that say that the token is revoked; none for 200 to 299.
        public var successStatuses: [Int] = []
        /// The member of the answer, by its path, that must have one of `successValues` besides;
        /// empty where the status says it all.
        public var successMember = ""
        /// The values of that member that say that the token is revoked.
        public var successValues: [String] = []
        /// The HTTP statuses that say that the token was dead before; where errors or a member are
        /// named, too, all of it must be there. Of 404 and 405, which a wrong address answers as
        /// well, only with one of these.
        public var goneStatuses: [Int] = []
        /// The error codes that say so, beside `invalid_token` and `invalid_grant`: in `error` or
        /// `code`, or in one of these inside an `error` that is an object.
        public var goneErrors: [String] = []
        /// The member of the answer, by its path, of which one of `goneValues` says so; empty for
        /// none.
        public var goneMember = ""
        /// The values of that member.
        public var goneValues: [String] = []

        /// A revocation as RFC 7009 has it.
        public init() {}

        static let parameterDefault = "token"
        /// The most statuses, values and errors in one list.
        static let listMax = 16
        /// The longest of these values and errors, in bytes.
        static let wordBytesMax = 64
        /// The longest value of a parameter or a header field, in bytes.
        static let valueBytesMax = 1024
        /// Parameters that are sent anyway, or are the client's.
        static let reservedParameters: Set<String> = ["client_secret", "token_type_hint"]
    }
}

extension Provider.RevocationRequest {
    /// Whether only an access token that still works will do.
    var needsAccessToken: Bool { tokens == .access }

    /// Whether the token goes into the header.
    var hasTokenInHeader: Bool {
        switch authentication {
        case .bearer, .header: true
        default: false
        }
    }
}
