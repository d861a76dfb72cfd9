// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import TestSupport

/// A server of its own, over HTTPS on loopback, with one user and a few clients.
final class RealServer: Sendable {
    /// Whose server it is.
    enum Kind: String, CaseIterable, Sendable {
        /// django-oauth-toolkit.
        case django
        /// The server half of Authlib.
        case authlib
        /// The authorization server of the MCP Python SDK.
        case mcp

        /// Whether a refresh token that comes twice ends its whole grant.
        var endsReusedGrants: Bool { self != .mcp }

        /// Whether its callbacks name the issuer (RFC 9207).
        var sendsIssuer: Bool { self != .mcp }
    }

    /// How long it may take to start, in seconds.
    static let startSecondsMax = 60
    /// How long it may take to stop, in seconds, before it is killed.
    static let stopSecondsMax = 10
    /// How long its access tokens live, in seconds.
    static let tokenSeconds = 15

    /// What the server says of itself (RFC 8414).
    struct Metadata: Decodable {
        let issuer: String
        let authorizationEndpoint: String
        let tokenEndpoint: String
        let revocationEndpoint: String
        let introspectionEndpoint: String?
        let codeChallengeMethodsSupported: [String]
        let authorizationResponseIssParameterSupported: Bool?
    }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// Where a browser was sent at the end: an answer's status and `Location`.
    struct Visit: Decodable {
        let status: Int
        let location: String?
    }

    /// What the user does at the browser.
    enum Choice: String { case approve, deny, withdraw }

    let kind: Kind
    let registration: Registration
    private let folder: URL
    private let process: ChildProcess
    /// The server ends when this does, whatever this process dies of.
    private let lifeline: PipeEnd

    private static let scripts = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "Server")

    /// Starts a server and waits until it listens. Whoever starts it stops it.
    static func start(_ kind: Kind) async throws -> RealServer {
        let server = try RealServer(kind)
        do {
            try await server.awaitPort()
            return server
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(_ kind: Kind) throws {
        self.kind = kind
        registration = Registration(kind)
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
            Self.scripts.appending(path: "serve").path, [folder.path, kind.rawValue],
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

    /// The private key of a client that signs, in PEM.
    func keyFile(_ name: String) -> String { folder.appending(path: "\(name).key").path }

    /// Every answer so far, such as `POST /token/ 200`; in the order in which they were sent.
    var answers: [String] { text(of: "answers.log").split(separator: "\n").map(String.init) }

    private func text(of file: String) -> String {
        (try? String(contentsOf: folder.appending(path: file), encoding: .utf8)) ?? ""
    }

    func metadata() async throws -> Metadata {
        let (_, body) = try await ask(baseURL + "/.well-known/oauth-authorization-server")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Metadata.self, from: Data(body.utf8))
    }

    /// Logs in as the user in a fresh browser, and approves or denies; or ends at the server what
    /// was approved last.
    @discardableResult
    func visit(_ url: String, _ choice: Choice) async throws -> Visit {
        let text = try await Command.run(
            ["python3", script("browser.py"), folder.path, choice.rawValue], input: url)
        return try JSONDecoder().decode(Visit.self, from: Data(text.utf8))
    }

    /// The user takes back the consent that was given last.
    func withdraw() async throws { try await visit(baseURL, .withdraw) }

    /// What the server's database says of tokens, a word for each: good, revoked or absent.
    func stored(_ tokens: [String]) async throws -> [String] {
        let text = try await Command.run(
            ["python3", script("stored.py"), folder.path, kind.rawValue],
            input: tokens.joined(separator: "\n"))
        return try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }

    /// Lets another client do all that the server offers. Returns what it did.
    func letAnotherClientTry() async throws -> [String] {
        let python = Self.scripts.appending(path: "../../../.build/real-server-venv/bin/python")
        let text = try await Command.run(
            [python.path, script("other_client.py"), folder.path, kind.rawValue], input: "")
        return text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private func script(_ name: String) -> String { Self.scripts.appending(path: name).path }

    /// Asks for the resource with an access token, as the platform would.
    func status(withToken token: String) async throws -> Int {
        try await ask(baseURL + "/profile/", "Bearer " + token).status
    }

    /// Whether the server says that the access token is valid (RFC 7662); nil where it cannot be
    /// asked.
    func isActive(
        _ token: String, to client: Registration.Client
    ) async throws -> Bool? {
        struct Answer: Decodable { let active: Bool }
        guard let url = try await metadata().introspectionEndpoint else { return nil }
        let (_, body) = try await ask(url, client.header, form: ["token": token])
        return try JSONDecoder().decode(Answer.self, from: Data(body.utf8)).active
    }

    /// The status and error of a refresh with this token, not by the vault.
    func refresh(
        _ token: String, by client: Registration.Client
    ) async throws -> (status: Int, body: String) {
        let form = ["grant_type": "refresh_token", "refresh_token": token]
        return try await ask(
            metadata().tokenEndpoint, client.header,
            form: form.merging(client.form, uniquingKeysWith: { $1 }))
    }

    /// One request by curl.
    private func ask(
        _ url: String, _ authorization: String? = nil, form: [String: String] = [:]
    ) async throws -> (status: Int, body: String) {
        var lines = ["url = \"\(url)\""]
        if let authorization { lines.append("header = \"Authorization: \(authorization)\"") }
        for (name, value) in form { lines.append("data-urlencode = \"\(name)=\(value)\"") }
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
