// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// A vault for measuring, `vault` in a directory of its own, its root key `root.key` beside it.
struct Population {
    /// The sizes of the tokens in bytes; the record takes a value of 1,998 bytes, and a provider's
    /// reply with both has about 900.
    static let accessTokenBytes = 704
    static let refreshTokenBytes = 96
    /// How many writes wait for the disk together.
    private static let writersMax = 512

    let home: String

    static func id(_ number: Int) throws -> ConnectionID {
        try ConnectionID("connection-\(number)")
    }

    /// Opens the vault and waits until it is verified.
    func open() async throws -> Vault {
        var settings = Vault.Settings()
        settings.mapBytes = 4 << 30
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: "\(home)/vault", rootKey: .file("\(home)/root.key"), settings: settings)
        try await vault.ready()
        return vault
    }

    /// Makes the vault, or keeps the one that an earlier run left, where it has as many.
    func make(_ connections: Int) async throws {
        let files = FileManager.default
        // One that an older version made may not open any more: made anew, it does.
        if let vault = try? await open() {
            let last = try? vault.status(Self.id(connections - 1))
            vault.close()
            if last != nil { return }
        }
        try? files.removeItem(atPath: home)
        try files.createDirectory(atPath: home, withIntermediateDirectories: true)
        let key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        guard
            files.createFile(
                atPath: "\(home)/root.key", contents: key, attributes: [.posixPermissions: 0o400])
        else { throw BenchmarkFailure("cannot write \(home)/root.key") }
        try Vault.create(at: "\(home)/vault", rootKey: .file("\(home)/root.key"))
        let vault = try await open()
        let application = try await register(in: vault, url: "http://127.0.0.1:1/token")
        let day = UnixTime(seconds: Int64(Date().timeIntervalSince1970) + 86_400)
        try await Self.share(0..<connections, among: Self.writersMax) { number in
            let tokens = try TokenSet(
                accessToken: Secret(random: Self.accessTokenBytes),
                refreshToken: Secret(random: Self.refreshTokenBytes), accessTokenExpiry: day)
            try await vault.put(Self.id(number), tokens, application: application)
        }
        vault.close()
    }

    /// Puts the application whose token endpoint is `url`.
    func register(in vault: Vault, url: String) async throws -> ApplicationID {
        let id = try ApplicationID("benchmark")
        let provider = Provider(
            name: "benchmark", authorizationEndpoint: url, tokenEndpoint: url)
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
            for lane in 0..<min(width, numbers.count) {
                group.addTask {
                    for number in stride(
                        from: numbers.lowerBound + lane, to: numbers.upperBound, by: width)
                    {
                        try await body(number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
