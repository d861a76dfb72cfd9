// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// What the server has seen.
    public var counters: Counters { book.use { $0.counters } }

    /// Sets every counter to zero. Those of single grants stay.
    public func resetCounters() {
        book.use { $0.counters = Counters() }
    }

    /// The refresh requests received so far, oldest first, if ``Settings/keepsJournal`` is on.
    public var journal: [JournalEntry] { book.use { $0.journal } }

    /// Every grant, oldest first.
    public var grants: [GrantSummary] {
        book.use { ledger in ledger.grants.indices.map(ledger.summary) }
    }

    /// The refresh requests that presented a refresh token of this user, over all grants.
    public func refreshRequests(forUser user: String) -> Int {
        book.use { ledger in
            ledger.grants.reduce(0) { $0 + ($1.user == user ? $1.refreshRequests : 0) }
        }
    }

    /// The refresh requests that presented a refresh token of this grant; 0 for an unknown one.
    public func refreshRequests(forGrant grant: Int) -> Int {
        book.use { $0.grants.indices.contains(grant) ? $0.grants[grant].refreshRequests : 0 }
    }

    /// Spoils the next `replies` replies of an endpoint, or all of them where `replies` is nil.
    /// Takes the place of the fault set before; a nil fault ends it.
    public func set(fault: Fault?, replies: Int? = nil, endpoint: Endpoint = .token) {
        book.use { ledger in
            ledger.faults[endpoint] =
                replies == 0 ? nil : fault.map { FaultOrder(fault: $0, replies: replies) }
        }
    }

    /// Changes settings while the server runs. Host, port, certificate, providers,
    /// clients and the control key stay as they were started with; tokens already issued keep their
    /// lifetimes.
    public func change(_ body: (inout Settings) -> Void) throws {
        try book.use { ledger throws(SettingsError) in
            var settings = ledger.settings
            body(&settings)
            settings.host = ledger.settings.host
            settings.port = ledger.settings.port
            settings.clients = ledger.settings.clients
            settings.providers = ledger.settings.providers
            settings.certificate = ledger.settings.certificate
            settings.controlKey = ledger.settings.controlKey
            try settings.validate()
            ledger.settings = settings
        }
    }

    /// Moves the server's clock forward, so that tokens, codes and graces end without waiting;
    /// by ``Settings/durationMax`` at most, over all calls.
    public func advance(by duration: Duration) {
        book.use { $0.clockOffset += duration }
    }

    /// Consents as a person at the page would, and returns the URL the browser is sent to: with a
    /// code, or with the error that the client is told.
    /// Where providers are played, the URL's host and path say which of them is asked.
    ///
    /// - Throws: ``PageShown`` where the person would have been shown an error page.
    public func approve(_ authorizeURL: String, user: String = "ada") throws -> String {
        let query = authorizeURL.drop { $0 != "?" }.dropFirst()
        guard let form = Form(encoded: query.utf8) else {
            throw PageShown(words: "The request cannot be read.")
        }
        return try book.use { ledger throws(PageShown) in
            ledger.counters.authorizeRequests += 1
            do throws(AuthorizationRequest.Refusal) {
                guard !ledger.settings.providers.isEmpty else {
                    return try ledger.decide(form, approve: true, user: user)
                }
                let rest = authorizeURL.firstRange(of: "://").map {
                    authorizeURL[$0.upperBound...]
                }
                let address = (rest ?? "").prefix { $0 != "?" }
                let host = address.prefix { $0 != "/" }
                let stage = Stage(providers: ledger.settings.providers)
                let found = try? stage.find(
                    method: "GET", authority: String(host), path: address[host.endIndex...])
                guard let found else { throw .shown("Nobody is played at this address.") }
                let request = try AuthorizationRequest(
                    form, at: found, settings: ledger.settings)
                return try ledger.decide(request, approve: true, user: user)
            } catch {
                switch error {
                case .redirected(let location): return location
                case .shown(let words): throw PageShown(words: words.description)
                }
            }
        }
    }

    /// Consents to a device authorization as a person at its page would. False where no code like
    /// this is open.
    @discardableResult
    public func approveDevice(_ userCode: String, user: String = "ada") -> Bool {
        book.use { $0.decideDevice(userCode, approve: true, user: user) }
    }

    /// Says no to one. False where no code like this is open.
    @discardableResult
    public func denyDevice(_ userCode: String) -> Bool {
        book.use { $0.decideDevice(userCode, approve: false, user: "") }
    }

    /// The authorization request was answered by a page and not by a redirect.
    public struct PageShown: Error {
        /// What the page says.
        public let words: String
    }

    /// Ends a user's grants, as the user may on the provider's own pages.
    public func revoke(user: String) {
        book.use { ledger in
            for grant in ledger.grants.indices where ledger.grants[grant].user == user {
                ledger.endGrant(grant, .revoked)
            }
        }
    }

    /// The tokens issued to a user that the server still knows, for a search of logs, files or
    /// memory. Of each grant these are the newest 33 refresh tokens and, until it ends, the newest
    /// 8 access tokens.
    public func tokens(ofUser user: String) -> [String] {
        book.use { $0.tokens(ofUser: user) }
    }

    /// Makes grants without a browser flow, for benchmarks and seeds. The users are `user` itself,
    /// or `user-0`, `user-1` and so on where there are several. Where providers are played, the
    /// grants are of `provider`, or of the first: with every token that it can give.
    public func mint(
        _ count: Int, user: String = "ada", client: String? = nil, scope: String = "",
        provider: String? = nil
    ) throws -> [MintedGrant] {
        try book.use { ledger throws(SettingsError) in
            try ledger.mint(
                count, user: user, client: client, scope: scope, provider: provider)
        }
    }

    /// A grant made without a browser flow, with its first tokens.
    public struct MintedGrant: Sendable {
        /// The grant's number.
        public let grant: Int
        /// Who it belongs to.
        public let user: String
        /// The access token.
        public let accessToken: String
        /// The refresh token.
        public let refreshToken: String
        /// How long the access token works.
        public let accessLifetime: Duration
    }
}

extension Ledger {
    /// What is known of the tokens issued to a user.
    func tokens(ofUser user: String) -> [String] {
        grants.filter { $0.user == user }.flatMap { $0.refreshTokens + $0.accessTokens }
    }

    /// Grants made at one time.
    static let mintMax = 100_000

    /// Makes grants and their first tokens.
    mutating func mint(
        _ count: Int, user: String, client: String?, scope: String, provider: String? = nil
    ) throws(ProviderSimulator.SettingsError) -> [ProviderSimulator.MintedGrant] {
        guard (1...Ledger.mintMax).contains(count) else {
            throw ProviderSimulator.SettingsError(description: "1 to \(Ledger.mintMax) grants")
        }
        guard let id = client ?? settings.clients.first?.id, let owner = settings.client(id) else {
            throw ProviderSimulator.SettingsError(description: "no such client")
        }
        let played = settings.providers.first { $0.name == provider ?? $0.name }
        guard provider == nil || played != nil else {
            throw ProviderSimulator.SettingsError(description: "no such provider is played")
        }
        counters.grantsMinted += count
        return (0..<count).map { index in
            let name = count == 1 ? user : "\(user)-\(index)"
            if let played { return mintPlayed(played, user: name, client: owner, scope: scope) }
            let (grant, reply) = openGrant(clientID: id, user: name, scope: scope)
            return ProviderSimulator.MintedGrant(
                grant: grant, user: name, accessToken: reply.accessToken,
                refreshToken: reply.refreshToken ?? "", accessLifetime: reply.accessLifetime)
        }
    }
}
