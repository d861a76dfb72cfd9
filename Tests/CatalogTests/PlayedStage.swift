// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import ProviderCatalog
import ProviderSimulator
import TestSupport
import Testing
import TokenVault
import TokenVaultTesting

/// A practice server that plays every provider under its own host names, over TLS at port 443 of
/// an address of this machine, and a vault with one definition of the catalog, as it is shipped.
final class PlayedStage: Sendable {
    let shipped: ShippedProvider
    let played: ProviderSimulator.Provider
    let provider: Provider
    let simulator: ProviderSimulator
    let vault: Vault
    let application: ApplicationID
    private let clock = TestClock()
    private let home: TestVault

    static let marker = "practice"
    private static let redirectURI = "https://platform.example/callback"
    private static let clientID = "client-1"

    /// - Parameter userScopes: those that are asked for beside the shipped ones.
    init(
        _ shipped: ShippedProvider, _ certificate: PlayedCertificate, userScopes: [String] = []
    ) async throws {
        self.shipped = shipped
        let played = try #require(ProviderSimulator.Provider.named(shipped.played))
        self.played = played
        provider = try #require(try ProviderCatalog.entry(named: shipped.name)).provider
        let secret = "s3cret+%/" + UUID().uuidString
        // An address of its own: whoever else uses port 443 is not in the way.
        let address = "127.\(Int.random(in: 1...254)).\(Int.random(in: 0...255)).1"
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: Self.clientID, secret: secret, redirectURIs: [Self.redirectURI])
        ])
        settings.host = address
        settings.port = 443
        settings.providers = ProviderSimulator.Provider.all.map {
            $0.name == shipped.name ? played : $0
        }
        settings.tokenMarker = Self.marker
        settings.certificate = .init(
            chainFile: certificate.chainFile, keyFile: certificate.keyFile)
        simulator = try await ProviderSimulator.start(settings)
        home = try TestVault()
        try home.create()
        application = try ApplicationID("crm")
        var vaultSettings = Vault.Settings()
        vaultSettings.mapBytes = 1 << 30
        vaultSettings.allowsLoopbackHTTP = true
        vaultSettings.certificateFile = certificate.chainFile
        vaultSettings.resolve = PlayedCertificate.hosts.map { "\($0):443:\(address)" }
        vault = try Vault.open(
            at: home.path, rootKey: .file(home.keyFile), settings: vaultSettings, clock: clock)
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: Self.clientID,
                clientSecret: Secret(text: secret), redirectURI: Self.redirectURI,
                scopes: shipped.scopes, userScopes: userScopes, values: shipped.values))
    }

    func close() async {
        vault.close()
        await simulator.stop()
    }

    /// Both clocks: the vault's and the provider's.
    func advance(seconds: Int) {
        simulator.advance(by: .seconds(seconds))
        clock.advance(by: .seconds(seconds))
    }

    var now: UnixTime { clock.now() }

    /// Takes a person through the flow.
    func connect(_ user: String = "ada") async throws -> ConnectionID {
        let id = try ConnectionID(user)
        try await complete(vault.connect(id, application: application), user)
        return id
    }

    /// Lets a person consent, and comes back with the callback.
    func complete(_ request: AuthorizationRequest, _ user: String = "ada") async throws {
        let location = try simulator.approve(request.url, user: user)
        let mark = try #require(location.firstIndex(of: "?"))
        let query = try Secret(text: String(location[location.index(after: mark)...]))
        try await vault.complete(callbackQuery: query, application: application)
    }

    /// The access token in the clear.
    func token(_ id: ConnectionID) async throws -> String {
        try await vault.withAccessToken(id) { $0.exposed }
    }

    /// Refreshes, and says how that failed; nil where it did not.
    func failure(refreshing id: ConnectionID) async -> VaultError? {
        do {
            try await vault.refresh(id)
            return nil
        } catch {
            return error
        }
    }

    /// Refreshes again and again, as a platform would whose provider is not well: up to an hour.
    func recover(_ id: ConnectionID) async throws {
        var last: VaultError?
        for _ in 0..<12 {
            last = await failure(refreshing: id)
            if last == nil { return }
            advance(seconds: 300)
        }
        throw CellFailure("does not come back: \(last.map { "\($0)" } ?? "")")
    }

    /// Waits for a token that is lent, as a platform does after its own clock jumped.
    func recoverIfNeeded(_ id: ConnectionID) async throws {
        for _ in 0..<12 {
            do {
                _ = try await token(id)
                return
            } catch {
                advance(seconds: 30)
            }
        }
    }

    /// The refresh tokens that the provider gave a person.
    func refreshTokens(of user: String) -> Set<String> {
        Set(simulator.tokens(ofUser: user).filter { $0.contains(Self.marker + "-rt-") })
    }

    /// Whether the provider refreshes anything.
    var refreshes: Bool { played.reasonForAbsence(of: .refresh) == nil }

    /// Whether a grant of the person lives on at the provider.
    func isAlive(_ user: String) -> Bool {
        simulator.grants.contains { $0.user == user && $0.alive }
    }
}

/// Why a cell fails.
struct CellFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func require(_ condition: Bool, _ words: @autoclosure () -> String) throws {
        if !condition { throw CellFailure(words()) }
    }
}

/// A certificate for every host name of the providers that are played, which is its own authority.
final class PlayedCertificate: Sendable {
    private let directory: String
    var chainFile: String { directory + "/chain.pem" }
    var keyFile: String { directory + "/key.pem" }

    /// The names, one shop or organization standing for all of them.
    static let hosts = ProviderSimulator.Provider.all.flatMap(\.hostNames).map {
        $0.replacing("*", with: ShippedProvider.shop)
    }

    init() throws {
        directory = NSTemporaryDirectory() + "catalog-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let names = Self.hosts.map { "DNS:" + $0 }.joined(separator: ",")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=practice", "-addext",
            "subjectAltName=" + names, "-keyout", directory + "/key.pem", "-out",
            directory + "/chain.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Whether this user may listen on the port that the definitions name.
    static var canListen: Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(443).bigEndian
        // 127.77.0.2
        address.sin_addr.s_addr = UInt32(0x7f4d_0002).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
