// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import Hummingbird
import Logging
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

/// The front in a server of the host's own, whose context, forms and routes are its own.
@Suite struct MountTests {
    private struct HostContext: RequestContext {
        var coreContext: CoreRequestContextStorage

        init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }
    }

    /// Runs a host with routes of its own beside those of the front, below `oauth`.
    private func mounted(
        _ site: Site, _ body: (_ host: String, _ front: CallbackFront) async throws -> Void
    ) async throws {
        let port = try freePort()
        let host = "http://127.0.0.1:\(port)"
        var configuration = CallbackFront.Configuration()
        configuration.publicBaseURL = host + "/oauth"
        configuration.hosts = [.custom("https://platform.example/oauth")]
        configuration.logger = Logger(label: "mounted") { _ in site.log }
        let front = try CallbackFront(vault: site.vault, configuration: configuration)
        let router = Router(context: HostContext.self)
        router.get("/health") { _, _ in "the host's own" }
        front.addRoutes(to: router.group("oauth"))
        router.post("/form") { request, _ in
            "\(try await request.body.collect(upTo: 1 << 20).readableBytes)"
        }
        router.get("/callback/:name") { _, _ in "the host's callback" }
        let (running, continuation) = AsyncStream<Void>.makeStream()
        let application = Hummingbird.Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { _ in continuation.finish() },
            logger: Logger(label: "host") { _ in site.log })
        let server = Task { try await application.runService(gracefulShutdownSignals: []) }
        for await _ in running {}
        do {
            try await body(host, front)
        } catch {
            server.cancel()
            throw error
        }
        server.cancel()
        _ = await server.result
    }

    @Test("Below a path of a host's server the whole flow works, and the host's routes are its own")
    func belowAPath() async throws {
        try await Site.run { site in
            try await mounted(site) { host, front in
                let expected = host + "/oauth/callback/mounted"
                // The practice provider knows only what it was started with: another one.
                let provider = try await ProviderSimulator.start(
                    .init(clients: [
                        .init(id: "mounted", secret: "s3cret", redirectURIs: [expected])
                    ]))
                try await site.vault.put(
                    TokenVault.Application(
                        id: ApplicationID("mounted"),
                        provider: Provider(
                            name: "practice",
                            authorizationEndpoint: provider.baseURL + "/authorize",
                            tokenEndpoint: provider.baseURL + "/token"),
                        clientID: "mounted", clientSecret: Secret("s3cret"),
                        redirectURI: expected, scopes: ["read"]))
                let link = try await front.link(
                    for: ConnectionID("ada/mounted"), application: ApplicationID("mounted")
                ).url
                #expect(link.hasPrefix(host + "/oauth/connect/"))
                let browser = try Browser()
                let page = try await browser.get(link)
                #expect(page.body.contains("href=\"/oauth/style.css\""))
                #expect(try await browser.get(host + "/oauth/style.css").status == 200)
                let opened = try await browser.press(link)
                let callback = try provider.approve(#require(opened.location))
                #expect(try await browser.get(callback).location == "/oauth/completed")
                #expect(try await browser.get(host + "/oauth/completed").status == 200)
                #expect(try site.isConnected("ada/mounted"))
                await provider.stop()
            }
        }
    }

    @Test("The guards of the front are on its own routes alone")
    func guardsItsOwnRoutes() async throws {
        try await Site.run { site in
            try await mounted(site) { host, _ in
                let browser = try Browser()
                let form = try await browser.send(
                    "POST", host + "/form", body: String(repeating: "a", count: 5000))
                #expect(form.status == 200 && form.body == "5000")
                #expect(form.headers["content-security-policy"] == nil)
                let own = try await browser.get(host + "/health", ["Host: other.example"])
                #expect(own.body == "the host's own")
                #expect(try await browser.get(host + "/callback/x").body == "the host's callback")
                let nothing = try await browser.get(host + "/nothing")
                #expect(nothing.status == 404)
                #expect(nothing.headers["content-security-policy"] == nil)

                let missing = try await browser.get(host + "/oauth/nothing/here")
                #expect(missing.status == 404)
                #expect(missing.body.contains("There is nothing here"))
                #expect(missing.headers["content-security-policy"] != nil)
                #expect(missing.headers["strict-transport-security"] == nil)
                #expect(try await browser.get(host + "/oauth/health").body == "ok\n")
                let elsewhere = try await browser.get(
                    host + "/oauth/completed", ["Host: other.example"])
                #expect(elsewhere.status == 421)
                let body = try await browser.send("GET", host + "/oauth/completed", body: "x=1")
                #expect(body.status == 413)
            }
        }
    }
}
