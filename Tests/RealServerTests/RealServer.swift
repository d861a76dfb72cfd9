// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import TestSupport

/// A django-oauth-toolkit of its own, over HTTPS on loopback, with one user and one application.
final class RealServer: Sendable {
    /// How long it may take to start, in seconds.
    static let startSecondsMax = 60
    /// How long it may take to stop, in seconds, before it is killed.
    static let stopSecondsMax = 10
    /// How long its access tokens live, in seconds.
    static let tokenSeconds = 15

    /// What is registered at the server.
    struct Registration: Encodable {
        let user = "ada"
        let password: String
        /// Id and secret hold what a form must encode.
        let clientID = "platform/1"
        let clientSecret: String
        let redirectURI = "https://platform.example/callback/real"
    }

    /// What the server says of itself (RFC 8414).
    struct Metadata: Decodable {
        let issuer: String
        let authorizationEndpoint: String
        let tokenEndpoint: String
        let revocationEndpoint: String
        let introspectionEndpoint: String
        let codeChallengeMethodsSupported: [String]
        let authorizationResponseIssParameterSupported: Bool
    }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// Where a browser was sent at the end: an answer's status and `Location`.
    struct Visit: Decodable {
        let status: Int
        let location: String?
    }

    let registration = Registration(
        password: UUID().uuidString, clientSecret: "s3cret: +%/&=" + UUID().uuidString)
    private let folder: URL
    private let process: ChildProcess
    /// The server ends when this does, whatever this process dies of.
    private let lifeline: PipeEnd

    private static let scripts = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "Server")

    /// Starts a server and waits until it listens. Whoever starts it stops it.
    static func start() async throws -> RealServer {
        let server = try RealServer()
        do {
            try await server.awaitPort()
            return server
        } catch {
            await server.stop()
            throw error
        }
    }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "tokenvault-real-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try JSONEncoder().encode(registration)
            .write(to: folder.appending(path: "registration.json"))
        let log = ChildProcess.Stream.file(folder.appending(path: "server.log").path)
        let pipe = try PipeEnd.pair()
        lifeline = pipe.writing
        process = try ChildProcess(
            Self.scripts.appending(path: "serve").path, [folder.path],
            environment: ProcessInfo.processInfo.environment.merging(
                ["REAL_SERVER_TOKEN_SECONDS": "\(Self.tokenSeconds)"]) { $1 },
            input: .pipe(pipe.reading), output: log, errors: log)
    }

    private func awaitPort() async throws {
        let limit = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while (try? port) == nil {
            guard process.isRunning, ContinuousClock.now < limit else {
                throw NotStarted(description: text(of: "server.log"))
            }
            await pause()
        }
    }

    /// Ends the server and removes what it wrote.
    func stop() async {
        lifeline.close()
        let limit = ContinuousClock.now + .seconds(Self.stopSecondsMax)
        while process.isRunning {
            if ContinuousClock.now > limit { process.signal(SIGKILL) }
            await pause()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Twenty milliseconds, also in a task that was cancelled: it too must stop its server.
    private func pause() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + 0.02) { continuation.resume() }
        }
    }

    private var port: Int {
        get throws {
            guard let port = Int(text(of: "port")) else { throw CocoaError(.fileReadUnknown) }
            return port
        }
    }

    var baseURL: String { get throws { "https://127.0.0.1:\(try port)" } }

    /// The certificate that clients must trust, or one that signed nothing here.
    func certificateFile(of authority: Authority) -> String {
        folder.appending(path: "\(authority.rawValue).pem").path
    }

    enum Authority: String { case ca, stranger }

    /// Every answer so far, such as `POST /token/ 200`; in the order in which they were sent.
    var answers: [String] { text(of: "answers.log").split(separator: "\n").map(String.init) }

    private func text(of file: String) -> String {
        (try? String(contentsOf: folder.appending(path: file), encoding: .utf8)) ?? ""
    }

    func metadata() async throws -> Metadata {
        let (_, body) = try await ask("/.well-known/oauth-authorization-server")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Metadata.self, from: Data(body.utf8))
    }

    /// Logs in as the user in a fresh browser and approves or denies.
    func visit(_ url: String, approving: Bool) async throws -> Visit {
        let text = try await Command.run(
            [
                "python3", Self.scripts.appending(path: "browser.py").path, folder.path,
                approving ? "approve" : "deny",
            ], input: url)
        return try JSONDecoder().decode(Visit.self, from: Data(text.utf8))
    }

    /// Asks for the resource with an access token, as the platform would.
    func status(withToken token: String) async throws -> Int {
        try await ask("/profile/", bearer: token).status
    }

    /// Whether the server says that the access token is valid (RFC 7662).
    func isActive(_ token: String) async throws -> Bool {
        struct Answer: Decodable { let active: Bool }
        let (_, body) = try await ask("/introspect/", form: ["token": token])
        return try JSONDecoder().decode(Answer.self, from: Data(body.utf8)).active
    }

    /// The status and error of a refresh with this token, not by the vault.
    func refresh(_ token: String) async throws -> (status: Int, body: String) {
        try await ask("/token/", form: ["grant_type": "refresh_token", "refresh_token": token])
    }

    /// One request by curl. A form is sent as the registered application.
    private func ask(
        _ path: String, bearer: String? = nil, form: [String: String]? = nil
    ) async throws -> (status: Int, body: String) {
        var lines = ["url = \"\(try baseURL)\(path)\""]
        if let bearer { lines.append("header = \"Authorization: Bearer \(bearer)\"") }
        if let form {
            let client = [
                "client_id": registration.clientID, "client_secret": registration.clientSecret,
            ]
            for (name, value) in form.merging(client, uniquingKeysWith: { $1 }) {
                lines.append("data-urlencode = \"\(name)=\(value)\"")
            }
        }
        let text = try await Command.run(
            [
                "curl", "--silent", "--show-error", "--cacert", certificateFile(of: .ca),
                "--write-out", "\n%{http_code}", "--config", "-",
            ], input: lines.joined(separator: "\n"))
        let parts = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let last = parts.last, let status = Int(last) else {
            throw CocoaError(.fileReadCorruptFile)
        }
        return (status, parts.dropLast().joined(separator: "\n"))
    }
}
