// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The practice authorization server as a process beside the tests, as `provider-simulator` is
/// built.
///
/// Its refresh tokens rotate with an hour of grace: a process that is killed after its request was
/// answered and before the answer was durable has lost a reply, and presents the last durable token
/// again. A server with no grace ends the grant then, and no client can help it; here every such
/// attempt must recover, and the server must never see a token that is older than that.
final class PracticeServer: Sendable {
    let http: LoopbackHTTP
    let clientSecret: String
    private let process: ChildProcess
    private let directory: String

    init() throws {
        directory = "\(NSTemporaryDirectory())/practice-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let controlKey = UUID().uuidString
        clientSecret = UUID().uuidString
        try TestVault.write(Array(controlKey.utf8), to: "\(directory)/control", mode: 0o600)
        try TestVault.write(Array(clientSecret.utf8), to: "\(directory)/secret", mode: 0o600)
        process = try ChildProcess(
            Built.product("provider-simulator").path,
            [
                "--port-file", "\(directory)/port", "--control-key-file", "\(directory)/control",
                "--client-id", "client-1", "--client-secret-file", "\(directory)/secret",
                "--redirect-uri", "https://platform.example/callback/practice",
                "--rotation", "grace=3600",
            ], output: .nothing, errors: .nothing)
        var port: UInt16?
        for _ in 0..<1000 where port == nil {
            usleep(10_000)
            let text = try? String(contentsOfFile: "\(directory)/port", encoding: .utf8)
            port = text.flatMap { UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        guard let port else { throw CocoaError(.fileReadNoSuchFile) }
        http = LoopbackHTTP(port: port, controlKey: controlKey)
    }

    var baseURL: String { "http://127.0.0.1:\(http.port)" }

    func stop() {
        process.terminate()
        process.wait()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
