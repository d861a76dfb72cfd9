// SPDX-License-Identifier: Apache-2.0

// What is a connection's own, beside its tokens.
extension Vault {
    /// What will be a connection's own: what is given, and what it has had so far.
    ///
    /// - Throws: `invalidArgument`, `limitExceeded`.
    func own(
        _ settings: borrowing ConnectionSettings, _ key: RecordKey,
        _ application: borrowing Application
    ) throws(VaultError) -> OwnSettings? {
        let provider = application.provider
        let before = try before(key, application.id)
        var values = settings.values ?? before?.values ?? [:]
        // Values of variables that the definition has no more are of no use.
        if settings.values == nil { values = values.filter { provider.variables[$0.key] != nil } }
        do throws(TemplateFault) {
            try provider.checkGiven(values)
            _ = try provider.filled(
                with: application.values.merging(values) { $1 }, awaitsCallback: true)
        } catch {
            throw VaultError(error, .invalidArgument)
        }
        let hidden = settings.hiddenNames.map { $0.sorted() } ?? before?.hiddenNames ?? []
        try Self.check(hiddenNames: hidden)
        let own: OwnSettings
        switch settings.client {
        case .unchanged:
            own = OwnSettings(
                values: values, clientID: before?.clientID,
                clientSecret: try before?.copiedSecret(), hiddenNames: hidden)
        case .application:
            own = OwnSettings(
                values: values, clientID: nil, clientSecret: nil, hiddenNames: hidden)
        case .own(let id, .none):
            try Self.check(id, nil, provider)
            own = OwnSettings(
                values: values, clientID: id, clientSecret: nil, hiddenNames: hidden)
        case .own(let id, .some(let secret)):
            let secret: Secret? = try secret.copy()
            try Self.check(id, secret, provider)
            own = OwnSettings(
                values: values, clientID: id, clientSecret: secret, hiddenNames: hidden)
        }
        let isEmpty = own.values.isEmpty && own.clientID == nil && own.hiddenNames.isEmpty
        return isEmpty ? nil : own
    }

    /// What is its own now, of the same application.
    private func before(
        _ key: RecordKey, _ application: ApplicationID
    ) throws(VaultError) -> OwnSettings? {
        guard let opened = try store.open(key) else { return nil }
        let record = ConnectionRecord(fields: opened.takeFields())
        return record.application == application ? try record.own() : nil
    }

    private static func check(hiddenNames: [String]) throws(VaultError) {
        let most = ConnectionSettings.hiddenNamesMax
        guard hiddenNames.count <= most else {
            throw VaultError(.limitExceeded, .vault, number: most, .tooMany, .hiddenNames)
        }
        guard hiddenNames.allSatisfy(Captured.isName) else {
            throw VaultError(.invalidArgument, .vault, .wrongCharacter, .hiddenNames)
        }
    }

    /// Checks the client that is to be told to the provider.
    static func check(
        _ clientID: String, _ clientSecret: borrowing Secret?, _ provider: Provider
    ) throws(VaultError) {
        var secretBytes = 0
        var isPlain = true
        switch clientSecret {
        case .none: break
        case .some(let secret):
            secretBytes = secret.count
            // A user name of Basic ends at a colon.
            isPlain =
                JSONText.isVisible(secret.bytes)
                && !(provider.clientAuthentication == .secretAsUser
                    && ClientCredentials.hasColon(secret.bytes))
        }
        // Else it fails when the user has consented.
        guard secretBytes > 0 || !provider.clientAuthentication.usesSecret else {
            throw VaultError(.invalidArgument, .vault, .empty, .clientSecret)
        }
        guard secretBytes <= Application.clientSecretBytesMax else {
            throw VaultError(
                .limitExceeded, .vault, number: Application.clientSecretBytesMax, .tooLong,
                .clientSecret)
        }
        // RFC 6749 appendix A.2: no provider issues another, and some do not survive the way there.
        guard isPlain else {
            throw VaultError(.invalidArgument, .vault, .wrongCharacter, .clientSecret)
        }
        let idBytesMax = Application.clientIDBytesMax
        if let cause = Name.fault(clientID, byteCountMax: idBytesMax) {
            throw VaultError(
                .invalidArgument, .vault, number: cause == .tooLong ? idBytesMax : 0, cause,
                .clientID)
        }
    }
}
