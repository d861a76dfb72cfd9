// SPDX-License-Identifier: Apache-2.0

// A connection as one line of JSON, in the form of the article ImportAndExport.
extension PortableConnection {
    /// Reads a line, without its end. The caller wipes it.
    ///
    /// - Throws: `LineFault`, which says what is wrong with it; `VaultError` with `tooManySecrets`.
    public static func read(line: borrowing Secret) throws -> PortableConnection {
        try read(line.bytes)
    }

    /// The ids of whole lines; nil for one that has none that can be read.
    package static func ids(ofLines lines: borrowing Secret) -> [String?] {
        var ids: [String?] = []
        var start = 0
        while start < lines.count {
            let end = lineEnd(lines.bytes, from: start)
            ids.append(id(of: lines.bytes.extracting(start..<end)))
            start = end + 1
        }
        return ids
    }

    private static func id(of line: RawSpan) -> String? {
        do throws(LineFault) {
            let values = try LineValues(line)
            return try values.text(.id)
        } catch {
            return nil
        }
    }

    /// Where the line ends that begins at `start`.
    static func lineEnd(_ lines: RawSpan, from start: Int) -> Int {
        var end = start
        while end < lines.byteCount, lines.byte(at: end) != UInt8(ascii: "\n") { end += 1 }
        return end
    }

    static func read(_ line: RawSpan) throws -> PortableConnection {
        let values = try LineValues(line)
        if let version = try values.number(.version, 0...Int64.max) {
            guard version <= LineMember.versionNumber else {
                throw LineFault(.version, .newerVersion)
            }
            guard version == LineMember.versionNumber else {
                throw LineFault(.version, .outOfRange)
            }
        }
        guard let idText = try values.text(.id) else { throw LineFault(.id, .missing) }
        let id = try Self.name(idText, .id, ConnectionID.byteCountMax) { text throws(VaultError) in
            try ConnectionID(text)
        }
        let application = try values.text(.application).map { text in
            try name(text, .application, ApplicationID.byteCountMax) {
                text throws(VaultError) in try ApplicationID(text)
            }
        }
        var grant = GrantType.authorizationCode
        if let text = try values.text(.grant) {
            guard let known = GrantType(rawValue: text) else {
                throw LineFault(.grant, .outOfRange)
            }
            grant = known
        }
        let history = try Self.history(values)
        let settings = try Self.settings(values)
        let tokens = try Self.tokens(values, history)
        var connection = PortableConnection(
            id: id, application: application, grant: grant, tokens: tokens, settings: settings,
            history: history)
        connection.subject = try values.text(.subject)
        try connection.check()
        return connection
    }

    /// What is wrong with a line; nil where nothing is.
    ///
    /// - Throws: `VaultError` with `tooManySecrets`.
    static func fault(_ line: RawSpan) throws -> LineFault? {
        do {
            _ = try read(line)
            return nil
        } catch let fault as LineFault {
            return fault
        }
    }

    private static func name<Value>(
        _ text: String, _ member: LineMember, _ byteCountMax: Int,
        _ make: (String) throws(VaultError) -> Value
    ) throws(LineFault) -> Value {
        do throws(VaultError) {
            return try make(text)
        } catch {
            throw error.detail.cause == .tooLong
                ? LineFault(member, .tooLong, limit: byteCountMax)
                : LineFault(member, .wrongCharacter)
        }
    }

    private static func tokens(
        _ values: borrowing LineValues, _ history: History
    ) throws -> TokenSet {
        let expiry = try expiry(values, history)
        var source = TokenSet.ExpirySource.caller
        if let text = try values.text(.expirySource) {
            guard let known = TokenSet.ExpirySource(lineText: text) else {
                throw LineFault(.expirySource, .outOfRange)
            }
            source = known
        }
        let refreshTokenExpiry = try values.time(.refreshTokenExpiresAt)
        let most = TokenSet.tokenBytesMax
        let refreshToken = try values.secret(.refreshToken, byteCountMax: most)
        let accessToken = try values.secret(.accessToken, byteCountMax: most)
        switch consume accessToken {
        case .none: throw LineFault(.accessToken, .missing)
        case .some(let accessToken):
            return TokenSet(
                accessToken: accessToken, refreshToken: refreshToken,
                tokenType: try values.text(.tokenType) ?? "Bearer", scope: try values.text(.scope),
                accessTokenExpiry: expiry, expirySource: source,
                refreshTokenExpiry: refreshTokenExpiry)
        }
    }

    private static func expiry(
        _ values: borrowing LineValues, _ history: History
    ) throws(LineFault) -> UnixTime? {
        guard let seconds = try values.number(.expiresIn, 0...lifetimeSecondsMax) else {
            return try values.time(.expiresAt)
        }
        guard !values.has(.expiresAt) else { throw LineFault(.expiresIn, .conflict) }
        guard let issued = history.issued else { throw LineFault(.expiresIn, .needsIssuedAt) }
        return issued.adding(milliseconds: seconds * 1000)
    }

    /// The longest lifetime of a token, in seconds: some 300 years.
    private static let lifetimeSecondsMax: Int64 = 10_000_000_000

    private static func settings(_ values: borrowing LineValues) throws -> ConnectionSettings {
        let variables = try values.pairs(.variables, countMax: valuesMax)
        let hidden = try values.names(.hidden, countMax: ConnectionSettings.hiddenNamesMax)
        let secret = try values.secret(
            .clientSecret, byteCountMax: Application.clientSecretBytesMax)
        guard let clientID = try values.text(.clientID) else {
            guard secret == nil else { throw LineFault(.clientSecret, .needsClientID) }
            return ConnectionSettings(
                values: variables ?? [:], client: .application, hiddenNames: hidden ?? [])
        }
        return ConnectionSettings(
            values: variables ?? [:], client: .own(id: clientID, secret: secret),
            hiddenNames: hidden ?? [])
    }

    /// The most variables, and the most captured values.
    static let valuesMax = 64

    private static func history(_ values: borrowing LineValues) throws(LineFault) -> History {
        var history = History()
        history.issued = try values.time(.issuedAt)
        history.created = try values.time(.createdAt)
        history.connected = try values.time(.connectedAt)
        history.refreshed = try values.time(.refreshedAt)
        history.used = try values.time(.usedAt)
        history.refreshCount = UInt64(try values.number(.refreshCount, 0...Int64.max) ?? 0)
        history.earlierGrants = UInt32(
            try values.number(.earlierGrants, 0...Int64(UInt32.max)) ?? 0)
        history.requestedScope = try values.text(.requestedScope)
        history.account = try values.text(.account)
        history.captured = try values.pairs(.captured, countMax: valuesMax) ?? [:]
        history.grantLost = try values.time(.grantLostAt)
        history.grantLostStatus = Int32(try values.number(.grantLostStatus, 0...999) ?? 0)
        guard history.grantLost != nil || !values.has(.grantLostStatus) else {
            throw LineFault(.grantLostStatus, .needsGrantLostAt)
        }
        return history
    }
}

extension TokenSet.ExpirySource {
    /// As a line has it, and `tokenvault status --json`.
    static let lineTexts: [(text: String, source: Self)] = [
        ("unknown", .unknown), ("expires_in", .expiresIn), ("expires_at", .expiresAt),
        ("jwt", .jwt), ("provider", .provider), ("application", .application),
        ("caller", .caller),
    ]

    init?(lineText: String) {
        guard let found = Self.lineTexts.first(where: { $0.text == lineText }) else { return nil }
        self = found.source
    }

    var lineText: String { Self.lineTexts.first { $0.source == self }?.text ?? "unknown" }
}
