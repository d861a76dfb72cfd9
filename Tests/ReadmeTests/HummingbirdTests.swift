// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

/// The program of the article "Embed it in Hummingbird", against the practice server: a user
/// connects, the API is called, the token is rejected once, the process is ended.
@Suite struct HummingbirdTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    @Test func theArticleHasTheProgramThatIsDriven() throws {
        let program = try String(
            contentsOf: Self.folder.appendingPathComponent("hummingbird/Platform.swift"),
            encoding: .utf8)
        let article = try String(
            contentsOf: Self.folder.appendingPathComponent(
                "../../Sources/TokenVault/TokenVault.docc/EmbedInHummingbird.md"),
            encoding: .utf8)
        let code = try #require(program.range(of: "import CallbackFront"))
        #expect(article.contains("```swift\n" + program[code.lowerBound...] + "```\n"))
    }

    @Test(.timeLimit(.minutes(2)))
    func connectsCallsAndShutsDown() async throws {
        let api = try freePort()
        let publicURL = "http://127.0.0.1:\(api)/oauth"
        let provider = try await ProviderSimulator.start(
            ProviderSimulator.Settings(clients: [
                .init(
                    id: "client-1", secret: "s3cret",
                    redirectURIs: ["\(publicURL)/callback/crm"])
            ]))
        let home = try TestVault()
        let secrets = URL(fileURLWithPath: home.keyFile).deletingLastPathComponent().path
        try TestVault.write(Array("s3cret\n".utf8), to: "\(secrets)/client.secret", mode: 0o400)
        let platform = try ChildProcess(
            Built.product("embed-in-hummingbird").path,
            environment: [
                "PROVIDER_URL": provider.baseURL, "PUBLIC_URL": publicURL, "SECRETS": secrets,
                "STATE_DIRECTORY": secrets, "PORT": "\(api)",
            ])
        defer { platform.signal(SIGKILL) }
        try await Self.until { try await Self.curl("\(publicURL)/health").hasSuffix(" 200") }
        try await Self.until { try await Self.curl("http://127.0.0.1:\(api)/").hasSuffix(" 404") }

        // The user connects: link, its button, provider, callback, with the browser's cookies.
        let jar = "\(secrets)/cookies"
        let link = try await Self.curl("http://127.0.0.1:\(api)/connect/ada", ["-X", "POST"])
        let page = try await Self.curl(String(link.dropLast(4)))
        #expect(page.contains(">Connect</button>") && page.hasSuffix(" 200"))
        let opened = try await Self.curl(
            String(link.dropLast(4)),
            ["-d", "", "-c", jar, "-w", "%{redirect_url} %{http_code}"])
        let callback = try provider.approve(String(opened.dropLast(4)), user: "ada")
        let end = try await Self.curl(callback, ["-b", jar, "-w", "%{redirect_url} %{http_code}"])
        #expect(end == "\(publicURL)/completed 303")

        // The API is called with the token, also when the provider takes that no more.
        let me = "http://127.0.0.1:\(api)/me/ada"
        #expect(try await Self.curl(me).hasSuffix(" 200"))
        #expect(provider.counters.userinfoAccepted == 1)
        provider.advance(by: .seconds(30 * 86_400))
        #expect(try await Self.curl(me).hasSuffix(" 200"))
        #expect(provider.counters.refreshes == 1 && provider.counters.userinfoRefused == 1)

        // It ends in an orderly way, and what it has is in the vault.
        platform.terminate()
        #expect(await platform.end() == .exit(0))
        let vault = try await Vault.openOrCreate(at: home.path, rootKey: .file(home.keyFile))
        let status = try #require(try vault.status(ConnectionID("ada/crm")))
        #expect(status.light == .green && status.refreshCount == 1)
        vault.close()
        await provider.stop()
    }

    /// What a server says, a space, and its status.
    private static func curl(_ url: String, _ more: [String] = []) async throws -> String {
        try await ChildProcess.run(
            "/usr/bin/curl", ["-s", "-w", " %{http_code}"] + more + [url]
        ).text
    }

    private static func until(_ isSo: () async throws -> Bool) async throws {
        while try await !isSo() { try await Task.sleep(for: .milliseconds(50)) }
    }
}
