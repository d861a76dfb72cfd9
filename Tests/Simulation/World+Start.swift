// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

// What is on the disk before the first process begins.
extension World {
    func populate() throws(VaultError) {
        for provider in providers {
            let application = try application(provider, secretSerial: 1)
            let plaintext = try ApplicationRecord.encode(application)
            let key = SimulatedStore.key(.application, provider.application)
            try write(.application, key, plaintext)
        }
        for provider in providers {
            let herd = provider.temper.lifetimeMilliseconds
            for _ in 0..<provider.temper.connections {
                let index = subjects.count
                let subject = try Subject(index, provider: provider.index)
                subjects.append(subject)
                subjectOfKey[subject.key] = index
                let left = provider.temper.hasHerd ? herd : between(herd / 4...herd)
                try write(subject, provider, expiry: clock.now + left)
            }
        }
    }

    private func write(
        _ subject: Subject, _ provider: VirtualProvider, expiry: Int64
    ) throws(VaultError) {
        let issued = expiry - provider.temper.lifetimeMilliseconds
        let owner = consent(subjects.count - 1, issued: issued)
        var record = try ConnectionRecord(id: subject.id, now: UnixTime(milliseconds: issued))
        let tokens = try Self.tokens(owner, expiry, offset: 0, provider)
        try record.adopt(tokens, requestStart: UnixTime(milliseconds: issued))
        try record.fields.set(ConnectionTag.application, text: provider.application)
        // By a refresh of an earlier process.
        try record.fields.set(ConnectionTag.refreshed, time: UnixTime(milliseconds: issued))
        let plaintext = record.plaintext()
        try write(.connection, subject.key, plaintext)
    }

    private func write(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: consuming Secret
    ) throws(VaultError) {
        let commit = Commit()
        commit.add(.put(kind, key, .absent), plaintext)
        _ = try disk.apply(commit) { becameDurable($0) }.get()
    }

    /// The tokens of a fresh grant, as the platform has them.
    static func tokens(
        _ owner: Int, _ expiry: Int64, offset: Int64, _ provider: VirtualProvider
    ) throws(VaultError) -> TokenSet {
        var access = try Secret(capacity: 64)
        var refresh = try Secret(capacity: 64)
        guard access.append(TokenText(.access, owner, expiry).text),
            refresh.append(TokenText(.refresh, owner, 1).text)
        else { throw VaultError(.limitExceeded, .vault) }
        return TokenSet(
            accessToken: access, refreshToken: refresh,
            accessTokenExpiry: provider.temper.saysLifetime
                ? UnixTime(milliseconds: expiry + offset) : nil)
    }

    func application(
        _ provider: VirtualProvider, secretSerial: Int64
    ) throws(VaultError) -> Application {
        let isRevocationKnown =
            provider.temper.hasRevocation && scenario.sabotage != .hidesRevocation
        var description = Provider(
            name: "p\(provider.index)",
            authorizationEndpoint: "https://p\(provider.index).example/authorize",
            tokenEndpoint: provider.tokenURL,
            revocationEndpoint: isRevocationKnown ? provider.revocationURL : nil)
        description.clientAuthentication = .post
        description.reuseGraceSeconds = provider.temper.graceMilliseconds / 1000
        description.rotation =
            scenario.has(.lateAnswers) ? provider.temper.statedRotation : .never
        description.listenSeconds = provider.temper.listenSeconds
        description.grantLostAnswers = provider.temper.dialect.lostAnswers
        let factor = scenario.sabotage == .widensLimits ? 2 : 1
        description.concurrentRefreshesMax = factor * provider.temper.concurrencyMax
        description.refreshesPerSecondMax = factor * provider.temper.perSecondMax
        description.refreshTokenIdleSeconds = provider.temper.idleMilliseconds.map { $0 / 1000 }
        description.refreshTokenLifetimeSeconds = provider.temper.ageMilliseconds.map { $0 / 1000 }
        var secret = try Secret(capacity: 64)
        guard secret.append(TokenText(.secret, provider.index, secretSerial).text) else {
            throw VaultError(.limitExceeded, .vault)
        }
        return Application(
            id: try ApplicationID(provider.application), provider: description,
            clientID: "client", clientSecret: secret,
            redirectURI: "https://oauth2.example/callback")
    }
}
