// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

/// A vault and a server that writes down what it is asked.
final class RevocationStand: Sendable {
    let home: TestVault
    let vault: Vault
    let server: ScriptedServer
    let id: ConnectionID
    private let state: Monitor<State>

    private struct State {
        var seen: [String] = []
        var tokenRequests: [String] = []
    }

    init(_ answer: @escaping ScriptedServer.Script) async throws {
        let state = Monitor(State())
        self.state = state
        id = try ConnectionID("c1")
        server = try ScriptedServer { request in
            state.withLock { state in
                if request.head.hasPrefix("POST /token") {
                    let type = request.header("Content-Type") ?? ""
                    state.tokenRequests.append(
                        "POST /token [\(type)] \(request.header("Accept") ?? "")")
                } else {
                    state.seen.append(Self.text(request))
                }
            }
            return answer(request)
        }
        home = try TestVault()
        try home.create()
        vault = try home.open()
        try await vault.ready()
    }

    deinit {
        vault.close()
        server.stop()
    }

    private static func text(_ request: ScriptedServer.Request) -> String {
        var text = request.head.prefix { $0 != "\r\n" }.split(separator: " ").prefix(2)
            .joined(separator: " ")
        text += " [\(request.header("Authorization") ?? "")]"
        text += " [\(request.header("Content-Type") ?? "")] \(request.body)"
        for name in ["notion-version", "x-shopify-access-token"] {
            if let value = request.header(name) { text += " \(name)=\(value)" }
        }
        let accept = request.head.components(of: "accept: ")
        if accept != ["application/json"] {
            text += " accept=\(accept.joined(separator: ","))"
        }
        return text
    }

    var seen: [String] { state.withLock { $0.seen } }
    var tokenRequests: [String] { state.withLock { $0.tokenRequests } }

    func provider(_ endpoint: String) -> Provider {
        var provider = Provider(
            name: "p", authorizationEndpoint: server.origin + "/authorize",
            tokenEndpoint: server.origin + "/token",
            revocationEndpoint: server.origin + endpoint)
        provider.capturedFromCallback = ["account": "account", "unknown": "other"]
        return provider
    }

    func put(_ provider: Provider) async throws {
        try await vault.put(
            Application(
                id: ApplicationID("app"), provider: provider, clientID: "id",
                clientSecret: Secret("secret"), redirectURI: "https://platform.example/callback"))
    }

    func connect(seconds: Int64) async throws {
        let expiry = vault.time.now().adding(milliseconds: seconds * 1000)
        try await vault.put(
            id,
            TokenSet(
                accessToken: Secret("A"), refreshToken: Secret("R"), tokenType: "Bearer",
                scope: nil, accessTokenExpiry: expiry, expirySource: .caller,
                refreshTokenExpiry: nil), application: ApplicationID("app"))
        let commit = Commit()
        commit.add(
            .revise(
                vault.store.key(.connection, id.text),
                Revision(addedBytesMax: 64) { (record, _) throws(VaultError) in
                    try record.capture([("account", "acct 1")])
                    return .change
                }))
        _ = try await vault.durable(commit)
    }
}

extension String {
    /// The values of each header line of this name, which is in lower case.
    fileprivate func components(of name: String) -> [String] {
        split(separator: "\r\n").filter { $0.lowercased().hasPrefix(name) }
            .map { String($0.dropFirst(name.count)) }
    }
}
