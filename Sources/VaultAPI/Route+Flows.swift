// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

extension Route {
    /// As long as a link lives.
    private static let linkLifetime = Duration.seconds(600)

    static let flows = [
        Route(
            .post, "/v1/connections/{id}/link", .connectionsWrite, keepsAnswer: linkLifetime,
            makeLink),
        Route(
            .post, "/v1/connections/{id}/reconnect", .connectionsWrite, keepsAnswer: linkLifetime,
            makeReconnectLink),
        Route(.post, "/v1/flows", .flowsWrite, keepsAnswer: linkLifetime, startFlow),
        Route(.post, "/v1/flows/{flow}/confirm", .flowsWrite, confirmFlow),
        Route(.delete, "/v1/flows/{flow}", .flowsWrite, dropFlow),
    ]

    private static let startMembers: Set = [
        "application", "scopes", "user_scopes", "values", "client", "hidden_names", "redirects",
    ]

    /// For any connection, through the application that is named.
    @Sendable private static func makeLink(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let members = try Members(
            call, startMembers.union(["awaits_confirmation"]), secrets: ["client.secret"])
        let application = try ApplicationID(members.required("application"))
        return try await api.link(id, application, call, members)
    }

    /// For a connection that is there, with what it has.
    @Sendable private static func makeReconnectLink(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let members = try Members(call, ["awaits_confirmation"])
        try await api.vault.readable()
        guard let status = try api.vault.status(id) else { throw VaultError.missing(id) }
        guard let application = status.application else {
            throw VaultError(.applicationNotFound, .vault, connection: id)
        }
        return try await api.link(id, application, call, members)
    }

    /// Without a link: the platform sends its user's browser to the provider itself, and says, when
    /// the browser is back, whether it is the same user.
    @Sendable private static func startFlow(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let members = try Members(
            call, startMembers.union(["connection"]), secrets: ["client.secret"])
        let id = try call.covered(members.required("connection"))
        let application = try ApplicationID(members.required("application"))
        let link = try await api.vault.link(
            id, application: application, scopes: members.texts("scopes"),
            userScopes: members.texts("user_scopes"), settings: call.settings(members),
            redirects: api.redirects(members), awaitsConfirmation: true)
        let request = try await api.vault.open(link: link.token, browserBinding: nil)
        var json = JSONWriter()
        json.beginObject()
        json.member("flow", link.flow.text)
        json.member("authorization_url", request.url)
        json.member("expires_at", link.expires)
        json.endObject()
        return .json(.created, json)
    }

    @Sendable private static func confirmFlow(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        _ = try Members(call, [])
        let flow = try await api.heldFlow(call)
        return try await .json(api.connection(api.vault.confirm(flow)))
    }

    @Sendable private static func dropFlow(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        try await api.vault.drop(api.heldFlow(call))
        return .done
    }
}

extension VaultAPI {
    fileprivate func link(
        _ id: ConnectionID, _ application: ApplicationID, _ call: Call, _ members: Members
    ) async throws -> Answer {
        guard let base = await configuration.linkBase?(application) else {
            throw Problem.noFront
        }
        let link = try await vault.link(
            id, application: application, scopes: members.texts("scopes"),
            userScopes: members.texts("user_scopes"), settings: call.settings(members),
            redirects: redirects(members),
            awaitsConfirmation: members.flag("awaits_confirmation") ?? false)
        var json = JSONWriter()
        json.beginObject()
        json.member("url", "\(base)/connect/\(link.token)")
        json.member("flow", link.flow.text)
        json.member("expires_at", link.expires)
        json.endObject()
        return .json(.created, json)
    }

    /// A flow whose callback waits, of a connection that the key is for.
    fileprivate func heldFlow(_ call: Call) async throws -> FlowID {
        let flow = try FlowID(call.part("flow"))
        guard let connection = try await vault.connection(ofHeld: flow) else {
            throw VaultError(.flowExpired, .vault)
        }
        _ = try call.covered(connection.text)
        return flow
    }

    /// Where flows of the connection are to end from now on; nil where that stays as it is.
    fileprivate func redirects(_ members: Members) throws -> Redirects? {
        guard
            let given = try members.object(
                "redirects", ["success", "failure", "parameters", "failure_carries_error"])
        else { return nil }
        var redirects = Redirects(
            success: try given.text("success"), failure: try given.text("failure"),
            failureCarriesError: try given.flag("failure_carries_error") ?? false)
        for (url, isOfSuccess) in [(redirects.success, true), (redirects.failure, false)] {
            if let url, !configuration.allowsRedirect(url, isOfSuccess) {
                throw Problem.redirectRefused
            }
        }
        if let parameters = try given.orderedPairs("parameters") {
            redirects.parameters = try RedirectParameters.of(parameters)
        }
        return redirects
    }
}

extension RedirectParameters {
    /// The seven that platforms read, where it is those that are given, else a platform's own.
    fileprivate static func of(
        _ given: [(name: String, value: String)]
    ) throws(VaultError) -> RedirectParameters {
        let values = Dictionary(given.map { ($0.name, $0.value) }) { first, _ in first }
        if let instanceId = values["instanceId"], let instanceName = values["instanceName"],
            let integrationId = values["integrationId"],
            let integrationName = values["integrationName"],
            let variableId = values["requiredConfigVariableId"],
            let variableKey = values["requiredConfigVariableKey"], let id = values["id"],
            values.count == 7
        {
            return RedirectParameters(
                instanceId: instanceId, instanceName: instanceName, integrationId: integrationId,
                integrationName: integrationName, requiredConfigVariableId: variableId,
                requiredConfigVariableKey: variableKey, id: id)
        }
        return try RedirectParameters(own: given)
    }
}

extension Problem {
    fileprivate static let noFront = Problem(
        .conflict, "noFront", "No browser could open a link of this application",
        "The operator has to run the front at the host of the application's redirect URI: "
            + "`tokenvault serve --listen`.")
    fileprivate static let redirectRefused = Problem(
        .unprocessableContent, "redirectRefused", "A redirect is not on the operator's list",
        "Have the operator allow exactly this URL.")
}
