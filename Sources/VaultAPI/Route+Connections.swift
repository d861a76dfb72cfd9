// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

extension Route {
    /// The most connections of one page, and as many as there are where nobody says.
    static let pageMax = 1000
    static let pageDefault = 100
    /// The most entries of a log.
    static let logMax = 10_000
    static let logDefault = 100

    static let connections = [
        Route(
            .get, "/v1/connections", .connectionsRead,
            query: ["limit", "cursor", "light", "application", "prefix"], listConnections),
        Route(.get, "/v1/connections/{id}", .connectionsRead, readConnection),
        Route(.put, "/v1/connections/{id}", .connectionsWrite, putConnection),
        Route(
            .delete, "/v1/connections/{id}", .connectionsWrite, query: ["wait"],
            keepsAnswer: IdempotencyTable.lifetime, disconnect),
        Route(.get, "/v1/connections/{id}/values", .connectionsRead, readValues),
        Route(.get, "/v1/connections/{id}/log", .connectionsRead, query: ["limit"], readLog),
    ]

    @Sendable private static func listConnections(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let limit = try call.number("limit", in: 1...pageMax) ?? pageDefault
        var light: ConnectionStatus.Light?
        if let name = call.text("light") {
            light = ConnectionStatus.Light(rawValue: name)
            if light == nil { throw Problem.malformed("light is green, yellow or red") }
        }
        let application = try call.text("application").map { try ApplicationID($0) }
        let (key, prefix, wanted) = (call.key, call.text("prefix") ?? "", light)
        guard prefix.unicodeScalars.count <= ConnectionID.byteCountMax else {
            throw Problem.malformed("prefix is longer than an id")
        }
        let page = try await api.vault.page(after: call.text("cursor"), limit: limit) { status in
            key?.connections.matches(status.connection) ?? false
                && (wanted == nil || wanted == status.light)
                && (application == nil || application == status.application)
                && status.connection.text.utf8.starts(with: prefix.utf8)
        }
        var json = JSONWriter()
        json.beginObject()
        json.beginList("connections")
        for status in page.statuses { json.write(status) }
        json.endList()
        json.member("next", page.cursor)
        json.endObject()
        return .json(json)
    }

    @Sendable private static func readConnection(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        try await api.vault.readable()
        return try await .json(api.connection(id))
    }

    @Sendable private static func putConnection(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let members = try Members(
            call, ["application", "values", "client", "hidden_names"],
            secrets: ["client.secret"])
        let application = try ApplicationID(members.required("application"))
        let settings = try call.settings(members)
        let isNew = try await api.vault.configure(
            id, application: application, settings: settings)
        return try await .json(isNew ? .created : .ok, api.connection(id))
    }

    /// The most seconds that a provider which is down is waited for.
    private static let waitMax = 86_400

    @Sendable private static func disconnect(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let wait = try call.number("wait", in: 0...waitMax) ?? 0
        let receipt = try await api.vault.disconnect(id, waiting: .seconds(wait))
        var json = JSONWriter()
        json.write(receipt)
        return .json(json)
    }

    @Sendable private static func readValues(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        try await api.vault.readable()
        guard let values = try api.vault.values(id) else { throw VaultError.missing(id) }
        var json = JSONWriter()
        json.beginObject()
        json.members(values)
        json.endObject()
        return .json(json)
    }

    @Sendable private static func readLog(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let limit = try call.number("limit", in: 1...logMax) ?? logDefault
        let events = try await api.vault.log(id, limit: limit)
        var json = JSONWriter()
        json.beginObject()
        json.beginList("events")
        for event in events { json.write(event) }
        json.endList()
        json.endObject()
        return .json(json)
    }
}

extension VaultAPI {
    /// A connection with all that is known of it.
    func connection(_ id: ConnectionID) async throws -> JSONWriter {
        try await vault.readable()
        guard let status = try vault.status(id) else { throw VaultError.missing(id) }
        var json = JSONWriter()
        json.write(status, values: try vault.values(id))
        return json
    }
}

extension VaultError {
    static func missing(_ id: ConnectionID) -> VaultError {
        VaultError(.notFound, .vault, connection: id)
    }
}

extension Call {
    /// What is to be a connection's own; what is left out stays as it is. `client` is an object
    /// with `id` and `secret`, or an empty one for the application's.
    func settings(_ members: Members) throws -> ConnectionSettings {
        let values = try members.pairs("values")
        let hidden = try members.texts("hidden_names").map { Set($0) }
        guard let client = try members.object("client", ["id", "secret"]) else {
            return ConnectionSettings(values: values, hiddenNames: hidden)
        }
        guard let clientID = try client.text("id") else {
            guard client.isEmpty else { throw Problem.refused("client.id is missing") }
            return ConnectionSettings(values: values, client: .application, hiddenNames: hidden)
        }
        _ = try client.hasSecret("secret")
        return ConnectionSettings(
            values: values,
            client: .own(id: clientID, secret: try secret("client", "secret")),
            hiddenNames: hidden)
    }
}
