// SPDX-License-Identifier: Apache-2.0

/// A connection with all that it has, on its way into a vault from another one, or from another
/// system.
public struct PortableConnection: ~Copyable, Sendable {
    /// What it is known by.
    public let id: ConnectionID
    /// The application that its tokens were issued to. Nil where it is to be stored and lent only.
    public var application: ApplicationID?
    /// What it has its tokens by, and gets the next ones by.
    public var grant: GrantType
    /// Whose tokens they are by the grant `jwtBearer`; nil where nobody is named. At most
    /// `ClientGrant.subjectBytesMax` bytes.
    public var subject: String?
    /// Its tokens.
    public var tokens: TokenSet
    /// What is its own of that application.
    public var settings: ConnectionSettings
    /// What happened to it so far.
    public var history: History

    /// What a connection has been through, and is no secret. What is not known is left out.
    public struct History: Sendable {
        /// When the present tokens were asked for: their lifetimes count from there.
        public var issued: UnixTime?
        /// When it was set up.
        public var created: UnixTime?
        /// When the user consented last.
        public var connected: UnixTime?
        /// When it was refreshed last.
        public var refreshed: UnixTime?
        /// When it was used with success last: its light is green then.
        public var used: UnixTime?
        /// How often it was refreshed.
        public var refreshCount: UInt64 = 0
        /// How many earlier grants may live on at the provider.
        public var earlierGrants: UInt32 = 0
        /// The scope that was asked for. At most 16,448 bytes.
        public var requestedScope: String?
        /// Whose account it is. At most 256 bytes.
        public var account: String?
        /// What was captured when it was connected, and since. Each of 1 to 1,024 bytes, 8,192 in
        /// all.
        public var captured: [String: String] = [:]
        /// When the provider ended the grant, where it did: the light is red then.
        public var grantLost: UnixTime?
        /// With which HTTP status it said so; 0 where that is not known.
        public var grantLostStatus: Int32 = 0

        /// Nothing is known.
        public init() {}
    }

    /// The longest line, in bytes, without its end.
    public static let lineBytesMax = 65_000
    /// The longest scope that was asked for: 64 of 256 bytes, and what is between them.
    static let requestedScopeBytesMax = 64 * 257
    static let tokenTypeBytesMax = 64

    /// A connection as a caller has it.
    public init(
        id: ConnectionID, application: ApplicationID?, grant: GrantType = .authorizationCode,
        tokens: consuming TokenSet,
        settings: consuming ConnectionSettings = ConnectionSettings(), history: History = History()
    ) {
        self.id = id
        self.application = application
        self.grant = grant
        self.tokens = tokens
        self.settings = settings
        self.history = history
    }

    /// Checks what no vault takes, whatever its applications are.
    func check() throws(LineFault) {
        try Self.check(tokens.accessToken, .accessToken)
        switch tokens.refreshToken {
        case .none: break
        case .some(let token): try Self.check(token, .refreshToken)
        }
        try Self.check(tokens.tokenType, .tokenType, Self.tokenTypeBytesMax)
        if let scope = tokens.scope { try Self.check(scope, .scope, TokenSet.scopeBytesMax) }
        if let scope = history.requestedScope {
            try Self.check(scope, .requestedScope, Self.requestedScopeBytesMax)
        }
        if let account = history.account {
            try Self.check(account, .account, Provider.Lookup.accountBytesMax)
        }
        try checkCaptured()
        guard application != nil || isPlain && !grant.asksAnew else {
            throw LineFault(.application, .needsApplication)
        }
        if grant.asksAnew { try checkHasNoRefreshToken() }
        if let subject {
            try Self.check(subject, .subject, ClientGrant.subjectBytesMax)
            guard grant == .jwtBearer else { throw LineFault(.subject, .notOfGrant) }
        }
    }

    /// It would be dropped, and the next token asked for without it.
    private func checkHasNoRefreshToken() throws(LineFault) {
        guard tokens.refreshToken == nil else { throw LineFault(.refreshToken, .notOfGrant) }
        guard tokens.refreshTokenExpiry == nil else {
            throw LineFault(.refreshTokenExpiresAt, .notOfGrant)
        }
    }

    private func checkCaptured() throws(LineFault) {
        var byteCount = 0
        for (name, value) in history.captured {
            guard Captured.isName(name) else { throw LineFault(.captured, .wrongCharacter) }
            try Self.check(value, .captured, Provider.capturedValueBytesMax)
            byteCount += name.utf8.count + value.utf8.count + 8
        }
        guard byteCount <= Provider.capturedBytesMax else {
            throw LineFault(.captured, .tooLong, limit: Provider.capturedBytesMax)
        }
    }

    /// Whether all that is its own is given: nothing of what it has is to stay.
    var saysAllSettings: Bool {
        guard settings.values != nil, settings.hiddenNames != nil else { return false }
        return switch settings.client {
        case .unchanged: false
        case .application: true
        case .own: true
        }
    }

    /// Whether nothing that is given is its own.
    var isPlain: Bool {
        guard settings.values?.isEmpty ?? true, settings.hiddenNames?.isEmpty ?? true else {
            return false
        }
        return switch settings.client {
        case .unchanged: true
        case .application: true
        case .own: false
        }
    }

    /// How long all of it is, in bytes, but for what is its own.
    var byteCount: Int {
        var count = tokens.accessToken.count + tokens.tokenType.utf8.count
        switch tokens.refreshToken {
        case .none: break
        case .some(let token): count += token.count
        }
        for text in [tokens.scope, history.requestedScope, history.account, application?.text] {
            count += text?.utf8.count ?? 0
        }
        return history.captured.reduce(count) { $0 + $1.key.utf8.count + $1.value.utf8.count + 8 }
    }

    private static func check(
        _ token: borrowing Secret, _ member: LineMember
    ) throws(LineFault) {
        guard token.count > 0 else { throw LineFault(member, .empty) }
        guard token.count <= TokenSet.tokenBytesMax else {
            throw LineFault(member, .tooLong, limit: TokenSet.tokenBytesMax)
        }
        // RFC 6749 appendix A.12, A.17.
        guard JSONText.isVisible(token.bytes) else { throw LineFault(member, .wrongCharacter) }
    }

    private static func check(
        _ text: String, _ member: LineMember, _ byteCountMax: Int
    ) throws(LineFault) {
        switch Name.fault(text, byteCountMax: byteCountMax) {
        case nil: return
        case .empty: throw LineFault(member, .empty)
        case .tooLong: throw LineFault(member, .tooLong, limit: byteCountMax)
        default: throw LineFault(member, .wrongCharacter)
        }
    }
}
