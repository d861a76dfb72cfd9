// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import FoundationNetworking
import Hummingbird
import Logging
import ServiceLifecycle
import TokenVault
import TokenVaultServices

@main struct Platform {
    static func main() async throws {
        _ = MemoryHygiene.hardenProcess()  // before anything else starts
        MemoryHygiene.install()
        let environment = ProcessInfo.processInfo.environment
        let provider = environment["PROVIDER_URL"] ?? "https://provider.example"
        let publicURL = environment["PUBLIC_URL"] ?? "https://platform.example/oauth"
        let secrets = environment["SECRETS"] ?? "/etc/platform/secrets"
        let state = environment["STATE_DIRECTORY"] ?? "/var/lib/platform"
        let logger = Logger(label: "platform")

        var settings = Vault.Settings()
        settings.log = { logger.info("\($0)") }
        settings.allowsLoopbackHTTP = provider.hasPrefix("http://127.0.0.1")  // a practice server
        let vault = try await Vault.openOrCreate(
            at: "\(state)/vault", rootKey: .file("\(secrets)/root.key"), settings: settings,
            waiting: .seconds(90))
        let crm = try ApplicationID("crm")
        try await vault.put(
            TokenVault.Application(
                id: crm,
                provider: Provider(
                    name: "crm", authorizationEndpoint: "\(provider)/authorize",
                    tokenEndpoint: "\(provider)/token", revocationEndpoint: "\(provider)/revoke"),
                clientID: "client-1",
                clientSecret: Secret(contentsOfFile: "\(secrets)/client.secret"),
                redirectURI: "\(publicURL)/callback/crm"))

        var configuration = CallbackFront.Configuration()
        configuration.publicBaseURL = publicURL
        configuration.name = "The platform"
        let front = try CallbackFront(vault: vault, configuration: configuration)

        guard let userinfo = URL(string: "\(provider)/userinfo") else { return }
        let router = Router()
        front.addRoutes(to: router.group("oauth"))
        router.post("/connect/:user") { _, context in
            try await front.link(for: connection(context), application: crm).url
        }
        router.get("/me/:user") { _, context in
            var request = URLRequest(url: userinfo)
            var body = Data()
            let use = try await vault.withBearer(connection(context)) { header in
                let value = header.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                request.setValue(value, forHTTPHeaderField: "Authorization")
                let (data, response) = try await URLSession.shared.data(for: request)
                body = data
                return TokenUse(httpStatus: (response as? HTTPURLResponse)?.statusCode ?? 0)
            }
            guard use == .ok else { throw HTTPError(.badGateway, message: "\(use)") }
            return String(decoding: body, as: UTF8.self)
        }
        let port = Int(environment["PORT"] ?? "") ?? 8080
        let api = Hummingbird.Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                vault: vault, services: [api], logger: logger))
        try await group.run()
    }
    /// A real platform takes the user from its own session, never from the path.
    static func connection(_ context: BasicRequestContext) throws -> ConnectionID {
        try ConnectionID("\(context.parameters.require("user"))/crm")
    }
}
