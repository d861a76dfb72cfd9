// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import Simulation
@testable import TokenVault

// What is stored before the vault is opened.
extension Disk {
    static func id(_ connection: Int) throws -> ConnectionID { try ConnectionID("c\(connection)") }

    static func key(_ connection: Int) -> RecordKey {
        SimulatedStore.key(.connection, "c\(connection)")
    }

    /// One with an application and so many connections of it, as `register` and `connect`.
    static func populated(
        _ connections: Int, concurrent: Int = 8, perSecond: Int = 100_000,
        expiringIn milliseconds: Int64 = 5000
    ) throws -> Disk {
        let disk = Disk()
        try disk.register(concurrent: concurrent, perSecond: perSecond)
        try disk.connect(0..<connections, expiringIn: milliseconds)
        return disk
    }

    /// Registers an application; all of one `host` share a token endpoint.
    func register(
        _ name: String = "app", host: String = "provider.example", concurrent: Int = 8,
        perSecond: Int = 100_000
    ) throws {
        var provider = Provider(
            name: host, authorizationEndpoint: "https://\(host)/authorize",
            tokenEndpoint: "https://\(host)/token")
        provider.clientAuthentication = .post
        provider.concurrentRefreshesMax = concurrent
        provider.refreshesPerSecondMax = perSecond
        let application = Application(
            id: try ApplicationID(name), provider: provider, clientID: "client",
            clientSecret: try Secret(text: "s0.1"),
            redirectURI: "https://platform.example/callback")
        let plaintext = try ApplicationRecord.encode(application)
        try put(.application, SimulatedStore.key(.application, name), plaintext)
    }

    /// Adds connections that were refreshed an hour ago, or connected by a code, and expire in
    /// `milliseconds`.
    func connect(
        _ connections: Range<Int>, to application: String = "app",
        expiringIn milliseconds: Int64 = 5000, byCode: Bool = false
    ) throws {
        let now = VirtualClock.start
        for connection in connections {
            let issued = UnixTime(milliseconds: now - 3_600_000)
            var record = try ConnectionRecord(id: Self.id(connection), now: issued)
            let tokens = TokenSet(
                accessToken: try Secret(text: TokenText(.access, connection, 1).text),
                refreshToken: try Secret(text: TokenText(.refresh, connection, 1).text),
                accessTokenExpiry: UnixTime(milliseconds: now + milliseconds))
            try record.adopt(tokens, requestStart: issued)
            if byCode {
                try record.fields.set(ConnectionTag.isExchanged, integer: UInt8(1))
            } else {
                try record.fields.set(ConnectionTag.refreshed, time: issued)
            }
            try record.fields.set(ConnectionTag.application, text: application)
            let plaintext = record.plaintext()
            try put(.connection, Self.key(connection), plaintext)
        }
    }

    private func put(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: consuming Secret
    ) throws {
        let commit = Commit()
        commit.add(.put(kind, key, .absent), plaintext)
        _ = try apply(commit) { _ in }.get()
    }

    /// Which of its refresh tokens a connection's record holds.
    func serial(_ connection: Int) -> Int64? {
        contents.records[Self.key(connection)]
            .flatMap { TokenText.Record($0.plaintext).refresh?.serial }
    }

    /// How often something was written into the log.
    func count(_ kind: VaultEvent.Kind) -> Int {
        contents.events.count { $0.code == kind.code }
    }

    /// How often the application's rejection was written into its log.
    var alarms: Int {
        let key = SimulatedStore.key(.application, "app")
        return contents.events.count {
            $0.code == VaultEvent.Kind.applicationRejected.code && $0.key == key
        }
    }
}
