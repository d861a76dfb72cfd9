// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Synchronization
import TestSupport
import Testing

/// A folder, a practice provider, and the built command that is run beside them as people run it.
/// Whatever the command writes is searched for the provider's tokens and for the client secret.
struct Workbench: Sendable {
    /// The first part of every token that the provider makes.
    static let marker = "tvmark"
    static let clientSecret = "s3cret+client/secret=1"

    let folder: URL
    let simulator: ProviderSimulator
    let port: Int

    var redirectURI: String { "http://127.0.0.1:\(port)/callback/demo" }
    var keyOptions: [String] { ["--key-file", "v.key", "--allow-loopback-http"] }

    /// Runs `body` in a folder of its own beside a provider of its own.
    static func run(
        _ change: (inout ProviderSimulator.Settings) -> Void = { _ in },
        _ body: (Workbench) async throws -> Void
    ) async throws {
        let port = try freePort()
        var settings = ProviderSimulator.Settings(clients: [
            .init(
                id: "demo", secret: clientSecret,
                redirectURIs: ["http://127.0.0.1:\(port)/callback/demo"])
        ])
        settings.tokenMarker = marker
        change(&settings)
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "tokenvault-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let simulator = try await ProviderSimulator.start(settings)
        let result: Result<Void, any Error>
        do {
            try await body(Workbench(folder: folder, simulator: simulator, port: port))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await simulator.stop()
        try? FileManager.default.removeItem(at: folder)
        try result.get()
    }

    /// A vault with the application `demo`.
    func prepare() async throws {
        try await expect(["init", "--key-file", "v.key", "--generate-key"])
        try write("client.secret", Self.clientSecret + "\n")
        try write(
            "demo.yaml",
            """
            name: practice
            authorization_endpoint: \(simulator.baseURL)/authorize
            token_endpoint: \(simulator.baseURL)/token
            revocation_endpoint: \(simulator.baseURL)/revoke
            refresh_token_idle_seconds: 7776000
            """)
        try await expect(
            ["app", "add", "demo", "--provider", "demo.yaml", "--client-id", "demo"]
                + ["--client-secret-file", "client.secret", "--redirect-uri", redirectURI]
                + ["--scope", "read"] + keyOptions)
    }

    /// Connects `id` by pasting the redirect URL.
    func connect(_ id: String, options: [String]? = nil) async throws {
        let command = try start(
            ["connect", id, "--app", "demo", "--paste"] + (options ?? keyOptions), input: .open)
        let url = try await command.line { $0.hasPrefix("http") }
        try command.type(simulator.approve(url) + "\n")
        let output = await command.end()
        #expect(output.status == 0, "\(output.errors)")
        #expect(output.text.contains("connected "))
    }

    /// Runs the command to its end.
    @discardableResult
    func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:],
        showsToken: Bool = false
    ) async throws -> Running.Output {
        let command = try start(arguments, input: .text(input), environment: environment)
        return await command.end(showsToken: showsToken)
    }

    /// Runs the command, which must end with `status`.
    @discardableResult
    func expect(
        _ arguments: [String], status: Int32 = 0, input: String = "",
        location: SourceLocation = #_sourceLocation
    ) async throws -> Running.Output {
        let output = try await run(arguments, input: input)
        #expect(
            output.status == status, "\(arguments): \(output.text)\(output.errors)",
            sourceLocation: location)
        return output
    }

    func start(
        _ arguments: [String], input: Running.Input, environment: [String: String] = [:],
        through launcher: [String] = []
    ) throws -> Running {
        try Running(
            launcher + [Self.executable.path] + arguments, in: folder, input: input,
            environment: ["TOKENVAULT_PATH": "v"].merging(environment) { $1 })
    }

    /// Runs `body` beside a `serve` that is ready, which then ends, with success, when it is told
    /// to; where `body` has not told it, it is here.
    ///
    /// - Returns: what it showed.
    @discardableResult
    func serving(
        _ options: [String] = [], through launcher: [String] = [],
        _ body: (Running) async throws -> Void
    ) async throws -> Running.Output {
        let server = try start(
            ["serve"] + options + keyOptions, input: .open, through: launcher)
        do {
            _ = try await server.line { $0 == "ready" }
            try await body(server)
        } catch {
            // It may stand still.
            server.signal(SIGKILL)
            _ = await server.end()
            throw error
        }
        if server.isRunning { server.terminate() }
        let output = await server.end()
        #expect(output.status == 0 && output.text == "ready\n", "\(output.errors)")
        return output
    }

    func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
        let path = folder.appending(path: name).path
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// The executable beside the bundle that these tests were built into.
    private static var executable: URL {
        get throws {
            let test = CommandLine.arguments.compactMap { URL(filePath: $0) }
            let places =
                test.map { $0.deletingLastPathComponent() }
                + [
                    URL(filePath: #filePath).deletingLastPathComponent()
                        .deletingLastPathComponent().deletingLastPathComponent()
                        .appending(path: ".build/debug")
                ]
            for place in places {
                let file = place.appending(path: "tokenvault")
                if FileManager.default.isExecutableFile(atPath: file.path) { return file }
            }
            throw CocoaError(.fileNoSuchFile)
        }
    }
}
