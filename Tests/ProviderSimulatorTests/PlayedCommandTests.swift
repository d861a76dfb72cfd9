// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

/// `provider-simulator --as`, as a person starts it: TLS under the real host names.
@Suite("provider-simulator --as", .timeLimit(.minutes(1))) struct PlayedCommandTests {
    /// The output of a program, and its errors.
    private func run(_ program: String, _ arguments: [String]) throws -> (Int32, String, String) {
        let report = try ChildProcess.run("/usr/bin/env", [program] + arguments)
        return (report.status, report.text, report.complaint)
    }

    /// A certificate for itself, good for every host in the list.
    private func certificate(in directory: String, hosts: [String]) throws {
        let names = hosts.map { "DNS:" + $0 }.joined(separator: ",")
        let (status, _, words) = try run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=practice", "-addext", "subjectAltName=" + names,
                "-keyout", directory + "/key.pem", "-out", directory + "/chain.pem",
            ])
        #expect(status == 0, "\(words)")
    }

    @Test("All of them speak TLS under their own names, and the addresses are told")
    func all() throws {
        let directory = NSTemporaryDirectory() + "played-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try certificate(in: directory, hosts: ["slack.com", "tea.myshopify.com"])
        try Data("s3cret\n".utf8).write(to: URL(filePath: directory + "/secret"))
        let (output, errors) = try (PipeEnd.pair(), PipeEnd.pair())
        let process = try ChildProcess(
            Built.product("provider-simulator").path,
            [
                "--as", "all", "--certificate-file", directory + "/chain.pem",
                "--key-file", directory + "/key.pem", "--client-secret-file",
                directory + "/secret", "--redirect-uri", "https://platform.example/callback",
            ], output: .pipe(output.writing), errors: .pipe(errors.writing))
        let url = try output.reading.readLine()
        #expect(url.hasPrefix("listening on https://127.0.0.1:"))
        let port = try #require(url.split(separator: ":").last)
        func curl(_ arguments: [String]) throws -> (Int32, String, String) {
            try run(
                "curl",
                ["--silent", "--cacert", directory + "/chain.pem"] + arguments
                    + ["--connect-to", "::127.0.0.1:" + port])
        }
        let slack = try curl([
            "https://slack.com/api/oauth.v2.access", "--user", "demo:s3cret",
            "--data", "grant_type=refresh_token&refresh_token=x",
        ])
        #expect(slack.1 == #"{"ok":false,"error":"invalid_refresh_token"}"#)
        let shop = try curl([
            "https://tea.myshopify.com/admin/oauth/access_token", "--json",
            #"{"client_id":"demo","client_secret":"s3cret","code":"x"}"#,
        ])
        #expect(shop.1.contains("error"))
        // The certificate does not name this one.
        #expect(try curl(["https://zoom.us/oauth/token"]).0 == 60)
        process.terminate()
        #expect(process.wait() == .exit(0))
        let told = try String(decoding: errors.reading.readToEnd(), as: UTF8.self)
        for provider in ProviderSimulator.Provider.all {
            #expect(told.contains("plays \(provider.name) at "))
            #expect(told.contains("token: " + provider.tokenURL))
        }
    }

    @Test("The list says of each what is not certain, and a wrong name is refused with the remedy")
    func list() throws {
        let program = try Built.product("provider-simulator").path
        let (status, text, _) = try run(program, ["--as", "list"])
        #expect(status == 0)
        for provider in ProviderSimulator.Provider.all + ProviderSimulator.Provider.variants {
            #expect(text.contains("\n\(provider.name)\n") || text.hasPrefix(provider.name))
        }
        #expect(text.contains("revocation (low)"))
        let (wrong, _, words) = try run(program, ["--as", "nobody"])
        #expect(wrong != 0 && words.contains("--as list names them"))
        let (half, _, remedy) = try run(program, ["--as", "slack", "--key-file", "x"])
        #expect(half != 0 && remedy.contains("--certificate-file and --key-file go together"))
        let (missing, _, reason) = try run(
            program, ["--as", "slack", "--key-file", "x", "--certificate-file", "x"])
        #expect(missing != 0 && reason.contains("no certificate in PEM: x"))
    }
}
