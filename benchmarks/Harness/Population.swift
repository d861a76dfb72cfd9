// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// A vault for measuring, `vault` in a directory of its own, its root key `root.key` beside it.
struct Population {
    /// The sizes of the tokens in bytes; the record takes a value of 1,998 bytes, and a provider's
    /// reply with both has about 900.
    static let accessTokenBytes = 704
    static let refreshTokenBytes = 96
    /// Letters, as refresh tokens have: a form writes them as they are.
    private static let refreshTokenLetters = [UInt8](repeating: 0x72, count: refreshTokenBytes)
    /// Drawn once, as the floors draw theirs: what is measured is the vault.
    private static let accessTokenLetters = (0..<accessTokenBytes).map { _ in
        UInt8.random(in: 0x61...0x7A)
    }
    /// How many writes wait for the disk together.
    static let writersMax = 512
    /// What the fixed server says that its tokens live, and what those put here do: no benchmark is
    /// to be disturbed by a refresh that it did not ask for.
    static let lifetimeMilliseconds: Int64 = 365 * 86_400_000

    let home: String

    static func id(_ number: Int) throws -> ConnectionID {
        try ConnectionID("connection-\(number)")
    }

    static func now() -> UnixTime {
        UnixTime(milliseconds: Int64(Measurement.nanoseconds(CLOCK_REALTIME) / 1e6))
    }

    /// Opens the vault.
    ///
    /// - Parameters:
    ///   - certificates: a file of CA certificates instead of the system's.
    ///   - readsUnverified: whether reads do not wait until it is verified.
    func openAtOnce(
        certificates: String? = nil, readsUnverified: Bool = false
    ) throws -> Vault {
        var settings = Vault.Settings()
        settings.readsUnverified = readsUnverified
        settings.allowsLoopbackHTTP = true
        settings.certificateFile = certificates
        return try Vault.open(
            at: "\(home)/vault", rootKey: .file("\(home)/root.key"), settings: settings)
    }

    /// Opens the vault and waits until it is verified.
    func open(certificates: String? = nil) async throws -> Vault {
        let vault = try openAtOnce(certificates: certificates)
        try await vault.ready()
        return vault
    }

    /// Makes the vault, or keeps the one that is there, where it has as many connections.
    func make(_ connections: Int) async throws {
        // One that an older version made may not open any more: made anew, it does.
        if let vault = try? await open() {
            let last = try? vault.status(Self.id(max(connections - 1, 0)))
            vault.close()
            if connections == 0 || last != nil { return }
        }
        try create()
        let vault = try await open()
        let application = try await register(in: vault, url: "http://127.0.0.1:1/token")
        let expiry = Self.now().adding(milliseconds: Self.lifetimeMilliseconds)
        try await Self.share(0..<connections, among: Self.writersMax) { number in
            try await Self.put(number, in: vault, application, expiry: expiry)
        }
        vault.close()
    }

    /// Makes an empty vault and its root key where there is none or another.
    func create() throws {
        let files = FileManager.default
        try? files.removeItem(atPath: home)
        try files.createDirectory(atPath: home, withIntermediateDirectories: true)
        let key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        guard
            files.createFile(
                atPath: "\(home)/root.key", contents: key, attributes: [.posixPermissions: 0o400])
        else { throw BenchmarkFailure("cannot write \(home)/root.key") }
        try Vault.create(at: "\(home)/vault", rootKey: .file("\(home)/root.key"))
    }

    /// Puts tokens as long as a provider's.
    static func put(
        _ number: Int, in vault: Vault, _ application: ApplicationID, expiry: UnixTime
    ) async throws {
        let refreshToken = try unsafe Secret(copying: refreshTokenLetters.span.bytes)
        let tokens = try TokenSet(
            accessToken: unsafe Secret(copying: accessTokenLetters.span.bytes),
            refreshToken: refreshToken,
            accessTokenExpiry: expiry)
        try await vault.put(id(number), tokens, application: application)
    }

    /// How often each of the first connections was refreshed.
    static func refreshCounts(_ vault: Vault, _ ids: [ConnectionID]) throws -> [UInt64] {
        try ids.map { id in
            guard let status = try vault.status(id) else {
                throw BenchmarkFailure("no connection \(id)")
            }
            return status.refreshCount
        }
    }

    /// Puts the application whose token endpoint is `url`, and which may refresh as fast as it can.
    ///
    /// - Parameter inFlight: the most refreshes at the endpoint at one time.
    func register(in vault: Vault, url: String, inFlight: Int = 1) async throws -> ApplicationID {
        let id = try ApplicationID("benchmark")
        var provider = Provider(
            name: "benchmark", authorizationEndpoint: url, tokenEndpoint: url)
        provider.concurrentRefreshesMax = inFlight
        provider.refreshesPerSecondMax = Provider.refreshesPerSecondRange.upperBound
        try await vault.put(
            Application(
                id: id, provider: provider, clientID: "benchmark",
                clientSecret: Secret("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                redirectURI: "https://platform.example/callback"))
        return id
    }

    /// Runs `body` for every number, at most `width` at a time.
    static func share(
        _ numbers: Range<Int>, among width: Int,
        _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in 0..<min(width, numbers.count) {
                group.addTask {
                    for number in stride(
                        from: numbers.lowerBound + queue, to: numbers.upperBound, by: width)
                    {
                        try await body(number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
