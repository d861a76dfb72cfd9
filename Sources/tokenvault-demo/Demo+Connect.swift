// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

extension Demo {
    /// Step 3, second half: the authorization code flow, with curl in place of the browser.
    func connect(
        _ connection: ConnectionID, _ vault: Vault, _ server: PracticeServer,
        _ needles: inout Needles
    ) async throws {
        console.step("Connect an account")
        console.row(
            "application", Self.applicationName, "our registration there: an id and a secret")
        let request = try await vault.connect(
            connection, application: ApplicationID(Self.applicationName))
        console.row("browser goes to", "\(request.url.prefix(64))...")
        console.row("Ada says", "yes", "curl sends the form in place of a browser")
        let callback = try server.consent(request.url, user: "ada")
        console.row("browser is back", "with a one-time code", "the vault buys the tokens with it")
        let completed = try await vault.complete(
            callbackQuery: callback, application: ApplicationID(Self.applicationName))
        try needles.add("first", of: connection, in: vault)
        console.check(
            completed == connection, "\"\(connection)\" is connected",
            otherwise: "the flow ended for another connection")
        try show(vault, connection, expecting: .yellow, "connected, not used yet")

        let (masked, isAccepted) = try await vault.withAccessToken(connection) { token in
            (token.secret.masked, try server.accepts(token.secret))
        }
        console.row("access token", masked)
        console.check(
            isAccepted, "the service accepts it",
            otherwise: "the service refused a token that it has just issued")
        try await vault.reportUse(connection)
        try show(vault, connection, expecting: .green, "used with success")
    }

    private func show(
        _ vault: Vault, _ connection: ConnectionID, expecting light: ConnectionStatus.Light,
        _ meaning: String
    ) throws {
        guard let status = try vault.status(connection) else {
            throw DemoFailure("the vault does not know \"\(connection)\"")
        }
        console.light(status.light.rawValue, expecting: light.rawValue, meaning)
    }
}
