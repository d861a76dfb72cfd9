// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import ProviderCatalog
import TokenVault

extension Route {
    static let applications = [
        Route(.get, "/v1/applications", .applicationsRead, listApplications),
        Route(.get, "/v1/applications/{id}", .applicationsRead, readApplication),
        Route(
            .put, "/v1/applications/{id}", .applicationsWrite,
            keepsAnswer: IdempotencyTable.lifetime, putApplication),
        Route(.delete, "/v1/applications/{id}", .applicationsWrite, removeApplication),
    ]

    @Sendable private static func listApplications(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        try await api.vault.readable()
        var json = JSONWriter()
        json.beginObject()
        json.beginList("applications")
        for application in try api.vault.applications().sorted(by: { $0.id.text < $1.id.text }) {
            json.write(application)
        }
        json.endList()
        json.endObject()
        return .json(json)
    }

    @Sendable private static func readApplication(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        guard let application = try await api.application(call.application()) else {
            throw VaultError(.applicationNotFound, .vault)
        }
        var json = JSONWriter()
        json.write(application)
        return .json(json)
    }

    @Sendable private static func putApplication(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.application()
        let isNew = try await api.application(id) == nil
        try await api.vault.put(call.described(as: id))
        guard let application = try await api.application(id) else {
            throw VaultError(.applicationNotFound, .vault)
        }
        var json = JSONWriter()
        json.write(application)
        return .json(isNew ? .created : .ok, json)
    }

    @Sendable private static func removeApplication(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        try await api.vault.removeApplication(call.application())
        return .done
    }
}

extension VaultAPI {
    fileprivate func application(
        _ id: ApplicationID
    ) async throws -> Vault.ApplicationSummary? {
        try await vault.readable()
        return try vault.applications().first { $0.id == id }
    }
}

extension Call {
    private static let members: Set = [
        "provider", "client_id", "client_secret", "signing_key", "redirect_uri", "scopes",
        "user_scopes", "values", "default_lifetime_seconds",
    ]

    /// The application that the body describes.
    fileprivate func described(as id: ApplicationID) throws -> TokenVault.Application {
        let members = try Members(
            self, Self.members, secrets: ["client_secret", "signing_key.private_key"])
        _ = try members.hasSecret("client_secret")
        var key: SigningKey?
        if let described = try members.object(
            "signing_key", ["private_key", "algorithm", "key_id"])
        {
            key = try signingKey(described)
        }
        return TokenVault.Application(
            id: id, provider: try provider(members), clientID: try members.required("client_id"),
            clientSecret: try secret("client_secret"), signingKey: key,
            redirectURI: try members.text("redirect_uri") ?? "",
            scopes: try members.texts("scopes") ?? [],
            userScopes: try members.texts("user_scopes") ?? [],
            defaultLifetimeSeconds: try members.number(
                "default_lifetime_seconds", in: 1...Int64.max / 1000),
            values: try members.pairs("values") ?? [:])
    }

    private func signingKey(_ members: Members) throws -> SigningKey {
        var algorithm: SigningKey.Algorithm?
        if let name = try members.text("algorithm") {
            algorithm = SigningKey.Algorithm(name: name)
            guard algorithm != nil else {
                throw Problem.malformed("signing_key.algorithm is RS256, PS256, ES256 or EdDSA")
            }
        }
        guard let privateKey = try secret("signing_key", "private_key") else {
            throw Problem.malformed("signing_key.private_key is missing")
        }
        return try SigningKey(
            privateKey: privateKey, algorithm: algorithm, keyID: members.text("key_id"))
    }

    /// A name of the catalog, or a definition's settings.
    private func provider(_ members: Members) throws -> Provider {
        switch members.value("provider") {
        case .text(let name):
            guard let entry = try? ProviderCatalog.entry(named: name) else {
                throw Problem.refused("the catalog has no provider of that name")
            }
            return entry.provider
        case .object(let settings):
            do throws(SettingError) {
                var provider = ProviderSetting.unknown
                for (name, value) in settings {
                    guard let setting = ProviderSetting[name] else {
                        throw SettingValue(.text(name)).refused(wanted: "a setting of a provider")
                    }
                    try setting.set(&provider, to: value.setting)
                }
                try provider.check()
                return provider
            } catch {
                throw Problem.refused("provider: \(error)")
            }
        default:
            throw Problem.malformed("provider is a name of the catalog, or an object of settings")
        }
    }
}

extension JSONValue {
    fileprivate var setting: SettingValue {
        switch self {
        case .null, .secret: SettingValue(.nothing)
        case .flag(let flag): SettingValue(.flag(flag))
        case .number(let number): SettingValue(.number(number))
        case .text(let text): SettingValue(.text(text))
        case .list(let list): SettingValue(.list(list.map(\.setting)))
        case .object(let members):
            SettingValue(.object(members.map { (name: $0.name, value: $0.value.setting) }))
        }
    }
}
