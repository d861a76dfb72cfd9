// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

extension Demo {
    /// Step 1: the other service.
    func startServer(
        _ directory: String, _ clientSecret: borrowing Secret
    ) throws -> PracticeServer {
        console.step("A practice service")
        let secretFile = "\(directory)/client.secret"
        try clientSecret.bytes.write(to: secretFile)
        let server = try PracticeServer(
            options.simulator, directory: directory, clientSecretFile: secretFile)
        console.row("runs as", "process \(server.id)", "provider-simulator, ended when this ends")
        console.row("listens on", server.baseURL, "loopback only, plain HTTP; a real one has TLS")
        console.row("access tokens", "live \(Self.lifetimeSeconds) s", "real ones about an hour")
        console.row("refresh tokens", "work once", "used twice, the whole grant is destroyed")
        return server
    }

    /// Step 2: the vault.
    func openVault(_ directory: String) throws -> Vault {
        console.step("A vault")
        let keyFile = "\(directory)/root.key"
        let key = try Secret(random: 32)
        try key.bytes.write(to: keyFile)
        let path = "\(directory)/vault"
        try Vault.create(at: path, rootKey: .file(keyFile))
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(at: path, rootKey: .file(keyFile), settings: settings)
        console.row("directory", path)
        console.row("root key", keyFile)
        console.text(
            "A real root key lies elsewhere or comes from a passphrase. This one goes with it.")
        return vault
    }

    /// Step 3, first half: our registration at the service, known to both sides.
    func application(
        _ clientSecret: consuming Secret, _ server: PracticeServer
    ) throws -> Application {
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(server.baseURL)/authorize",
            tokenEndpoint: "\(server.baseURL)/token",
            revocationEndpoint: "\(server.baseURL)/revoke")
        provider.issuer = server.baseURL
        provider.sendsIssuer = true
        let id = try ApplicationID(Self.applicationName)
        return Application(
            id: id, provider: provider,
            clientID: Self.applicationName, clientSecret: clientSecret,
            redirectURI: Self.redirectURI, scopes: ["calendar.read"])
    }
}
