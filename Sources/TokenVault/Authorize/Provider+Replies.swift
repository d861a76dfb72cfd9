// SPDX-License-Identifier: Apache-2.0

// How a provider's answers differ from those of RFC 6749 section 5.
extension Provider {
    /// Where the members of a token response lie, each as a path: names, and numbers of elements of
    /// a list counted from 0, with dots between, such as `authed_user.access_token`. Where one is
    /// given, what lies there is read in place of the member of that name at the top; nil leaves it
    /// where RFC 6749 has it. A path has at most 8 names and 256 bytes of printable ASCII.
    public struct ReplyMembers: Hashable, Sendable {
        /// The access token.
        public var accessToken: String?
        /// The refresh token.
        public var refreshToken: String?
        /// The token's type.
        public var tokenType: String?
        /// The access token's lifetime, in seconds unless `lifetimeUnit` says otherwise.
        public var expiresIn: String?
        /// When the access token expires: a date, or the seconds or milliseconds since 1970.
        public var expiresAt: String?
        /// The refresh token's lifetime.
        public var refreshTokenExpiresIn: String?
        /// When the refresh token expires; as `expiresAt`.
        public var refreshTokenExpiresAt: String?
        /// The scopes that were granted.
        public var scope: String?
        /// The error code: a text or a whole number.
        public var error: String?

        /// All of them at the top.
        public init() {}

        /// One of them, by its name in definitions.
        enum Name: String, CaseIterable {
            case accessToken = "access_token"
            case refreshToken = "refresh_token"
            case tokenType = "token_type"
            case expiresIn = "expires_in"
            case expiresAt = "expires_at"
            case refreshTokenExpiresIn = "refresh_token_expires_in"
            case refreshTokenExpiresAt = "refresh_token_expires_at"
            case scope, error

            /// Where its path is kept.
            var property: any WritableKeyPath<ReplyMembers, String?> & Sendable {
                switch self {
                case .accessToken: \.accessToken
                case .refreshToken: \.refreshToken
                case .tokenType: \.tokenType
                case .expiresIn: \.expiresIn
                case .expiresAt: \.expiresAt
                case .refreshTokenExpiresIn: \.refreshTokenExpiresIn
                case .refreshTokenExpiresAt: \.refreshTokenExpiresAt
                case .scope: \.scope
                case .error: \.error
                }
            }
        }

        /// Those that are given.
        var given: [(name: Name, path: String)] {
            Name.allCases.compactMap { name in
                self[keyPath: name.property].map { (name, $0) }
            }
        }
    }

    /// What the lifetimes in an answer count.
    @nonexhaustive
    public enum LifetimeUnit: UInt8, Sendable {
        /// Seconds (RFC 6749 section 5.1).
        case seconds = 1
        /// Milliseconds.
        case milliseconds = 2
    }

    /// A member that each answer has, and its values in a success.
    public struct SuccessCode: Hashable, Sendable {
        /// Where it lies: a path as of `ReplyMembers`.
        public var member: String
        /// Its values in a success, as they are written: texts, numbers, `true` or `false`; 1 to 8,
        /// each of 1 to 64 bytes of printable ASCII.
        public var values: [String]

        /// A member and its values.
        public init(member: String, values: [String]) {
            self.member = member
            self.values = values
        }
    }

    /// An answer that looks like a refusal, and passes.
    public struct TemporaryError: Hashable, Sendable {
        /// The HTTP status, 200 to 499; nil for any of them.
        public var status: Int?
        /// The error code; nil for an answer that names none. One of the two is given.
        public var error: String?

        /// An answer.
        public init(status: Int? = nil, error: String?) {
            self.status = status
            self.error = error
        }
    }

    /// The tokens of a second connection in the answer to a code, such as Slack's user's beside the
    /// bot's. The two are refreshed, disconnected and shown each by itself.
    public struct SecondConnection: Hashable, Sendable {
        /// What is added to the id of the connection for that of the second; 1 to 32 bytes without
        /// control characters.
        public var suffix: String
        /// Where its tokens lie: the path of `accessToken` at least. Nothing of them is read where
        /// no path says, but an error.
        public var replyMembers: ReplyMembers

        /// The tokens of a second connection.
        public init(suffix: String, replyMembers: ReplyMembers) {
            self.suffix = suffix
            self.replyMembers = replyMembers
        }
    }

    /// The longest suffix of a second connection's id, in bytes.
    public static let secondSuffixBytesMax = 32

    /// A value that is kept beside the tokens of a connection, and no secret.
    public struct CapturedMember: Hashable, Sendable {
        /// What it is called here, such as `instance_url`; 1 to 64 letters, digits and underscores.
        public var name: String
        /// Where it lies in the answer: a path as of `ReplyMembers`.
        public var path: String

        /// A value.
        public init(_ name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// The most values of a success code.
    public static let successValuesMax = 8
    /// The most `temporaryErrors`.
    public static let temporaryErrorsMax = 16
    /// The most `errorPaths`.
    public static let errorPathsMax = 4
    /// The longest error code or value of a success code, in bytes.
    public static let replyCodeBytesMax = 64
    /// The most values that are captured from one source.
    public static let capturedMax = 32
    /// The longest name of a captured value, in bytes.
    public static let capturedNameBytesMax = 64
    /// The longest captured value, in bytes.
    public static let capturedValueBytesMax = 1024
    /// The most that a connection keeps of them, names and values of all sources together, in
    /// bytes: new tokens of any length must have room beside them.
    public static let capturedBytesMax = 8192
}
