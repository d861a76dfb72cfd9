// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProviderCatalog
import TokenVault

/// `tokenvault app add`.
struct AppAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add an application, or replace one.",
        discussion: """
            The provider comes from the catalog (see `tokenvault provider list`), from a \
            definition of your own (YAML or JSON), from its issuer or from its endpoints. A \
            definition has a key \
            for each of the settings below; an unknown key is an error:

              name: crm
              authorization_endpoint: https://login.example.com/authorize
              token_endpoint: https://login.example.com/token
              authorization_parameters: { access_type: offline }

            EXAMPLES
              tokenvault app add mail --provider google --client-id 123 \\
                --client-secret-file mail.secret \\
                --redirect-uri http://127.0.0.1:8017/callback
              tokenvault app add crm --provider crm.yaml --client-id 123 \\
                --client-secret-file crm.secret \\
                --redirect-uri http://127.0.0.1:8017/callback
              tokenvault app add idp --issuer https://login.example.com --client-id 123 \\
                --client-secret-file idp.secret \\
                --redirect-uri http://127.0.0.1:8017/callback
              tokenvault app add api --token-url https://a.example/token --client-id 123 \\
                --client-secret-file api.secret
              pass show crm | tokenvault app add crm --client-secret-fd 0 \\
                --authorize-url https://a.example/authorize \\
                --token-url https://a.example/token --auth post --client-id 123 \\
                --redirect-uri https://b.example/callback --scope read
              tokenvault app add bank --provider bank.yaml --client-id 123 \\
                --signing-key-file bank.pem --redirect-uri https://b.example/callback

            With --issuer the provider's own documents are fetched (RFC 8414, OpenID Connect \
            Discovery), once; `tokenvault app refresh-issuer` asks again. What a definition says \
            besides (--provider) is kept, and may not contradict them; it may leave the endpoints \
            out. `tokenvault provider discover` shows what would be used.

            What the definition leaves open, such as {host} in an endpoint, is given by --set, or \
            for each connection by `tokenvault connect --set`.

            SETTINGS OF A PROVIDER
            \(ProviderSetting.help)
            """)

    @Argument(help: "The application's id: letters, digits, '-', '_' and '.'; at most 64.")
    var id: String

    @Option(
        name: .customLong("provider"),
        help: "The provider's name in the catalog, or the file with its definition.")
    var definition: String?

    @Option(help: "The issuer, whose documents say where its endpoints are.")
    var issuer: String?

    @Flag(
        name: .customLong("accept-change"),
        help: "Take what the issuer says, though it says otherwise than before.")
    var acceptChange = false

    @Option(
        name: .customLong("authorize-url"),
        help: "Authorization endpoint; left out where nobody is sent there.")
    var authorizationEndpoint: String?

    @Option(name: .customLong("token-url"), help: "Token endpoint.")
    var tokenEndpoint: String?

    @Option(name: .customLong("revoke-url"), help: "Revocation endpoint, where there is one.")
    var revocationEndpoint: String?

    @Option(
        name: .customLong("auth"),
        help: """
            How the client authenticates: basic (default), basic_raw, post, none, secret_as_user, \
            bearer or private_key_jwt.
            """)
    var authentication: String?

    @Option(help: "The client id.")
    var clientId: String

    @OptionGroup var clientSecret: ClientSecretOptions

    @OptionGroup var signingKey: SigningKeyOptions

    @Flag(name: .customLong("public"), help: "A public client: it has no secret.")
    var isPublic = false

    @Option(
        name: .customLong("redirect-uri"),
        help: """
            The callback URL, exactly as it is registered at the provider. Left out where nobody \
            is sent there: connect --client-credentials, --jwt-bearer or --device.
            """)
    var redirectURI: String?

    @Option(name: .customLong("scope"), help: "A scope to ask for. May be repeated.")
    var scopes: [String] = []

    @Option(
        name: .customLong("user-scope"),
        help: "A scope of the user's (user_scope_parameter). May be repeated.")
    var userScopes: [String] = []

    @OptionGroup var variables: VariableOptions

    @OptionGroup var accounts: AccountOptions

    @Flag(help: "Replace the application of this id.")
    var replace = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard clientSecret.count + (isPublic ? 1 : 0) <= 1 else {
            throw ValidationError(
                "give one of --client-secret-file, --client-secret-fd and --public")
        }
        guard definition == nil || authentication == nil else {
            throw ValidationError(
                "--auth cannot be given together with --provider: say it in the definition, as "
                    + "client_authentication")
        }
        let endpoints = [authorizationEndpoint, tokenEndpoint, revocationEndpoint, authentication]
        if issuer != nil {
            guard endpoints.dropLast().allSatisfy({ $0 == nil }) else {
                throw ValidationError(
                    "--issuer says where the endpoints are: leave out --authorize-url, "
                        + "--token-url and --revoke-url")
            }
            return
        }
        guard (definition == nil) != endpoints.allSatisfy({ $0 == nil }) else {
            throw ValidationError("give either --provider or --authorize-url and --token-url")
        }
        guard redirectURI != "" else {
            throw ValidationError("--redirect-uri is empty: leave it out where there is none")
        }
    }

    func run() async throws {
        if let issuer { return try await addDiscovered(from: issuer) }
        var provider = try provider()
        if isPublic { provider.clientAuthentication = .none }
        let secret = try clientSecret.read()
        let privateKey = try signingKey.read()
        let form = try form(
            provider, hasSecret: secret != nil, keyBytes: SigningKeyForm.byteCount(privateKey))
        let door = try await options.door()
        defer { door.close() }
        try await store(
            form, secret: SigningKeyForm.joined(secret, privateKey), over: application(at: door),
            at: door)
    }

    /// What is sent, once the provider is known.
    ///
    /// - Parameter keyBytes: how long the private key is, where there is one.
    func form(_ provider: Provider, hasSecret: Bool, keyBytes: Int?) throws -> ApplicationForm {
        let values = try variables.values(for: provider)
        try check(provider, hasSecret: hasSecret)
        guard userScopes.isEmpty || provider.userScopeParameter != nil else {
            throw CommandFailure(
                .usage,
                "--user-scope: the provider's definition names no parameter for it: say it there, "
                    + "as user_scope_parameter")
        }
        var form = ApplicationForm(
            id: id, provider: provider, clientID: clientId, hasClientSecret: hasSecret,
            redirectURI: redirectURI ?? "", scopes: scopes, userScopes: userScopes, values: values)
        form.refusesOtherAccount = try accounts.refusal(by: provider)
        form.signingKey = keyBytes.map {
            SigningKeyForm(
                algorithm: signingKey.algorithm, keyID: signingKey.keyID, byteCount: $0)
        }
        return form
    }

    /// Puts it into the vault, where nothing is in its place that should stay.
    func store(
        _ form: ApplicationForm, secret: consuming Secret?, over old: ApplicationForm?,
        at door: any VaultDoor
    ) async throws {
        guard replace || old == nil else {
            throw CommandFailure(
                .cannotCreate, "there is an application \(id) already: --replace replaces it")
        }
        do {
            try await door.ask(.putApplication(form), secret: secret) { _ in }
        } catch let error as VaultError {
            throw placed(error)
        }
        try Outlet.output.line(
            "application \(id.printable) \(old == nil ? "added" : "replaced")")
        if redirectURI == nil, !form.provider.provider.authorizationEndpoint.isEmpty {
            try Outlet.errors.line(
                "tokenvault: no redirect URI: only `connect --client-credentials`, `--jwt-bearer` "
                    + "and `--device` work with it; else give --redirect-uri")
        }
    }

    /// The one that has the id already; nil where none has.
    func application(at door: any VaultDoor) async throws -> ApplicationForm? {
        var found: ApplicationForm?
        try await door.ask(.applications) { reply in
            if case .application(let form) = reply, form.id == id { found = form }
        }
        return found
    }

    /// Whether what the client authenticates with is there, and nothing else.
    private func check(_ provider: Provider, hasSecret: Bool) throws(CommandFailure) {
        let method = ProviderSetting["client_authentication"]?.value(of: provider)?.words ?? ""
        guard provider.mayUseKey || !signingKey.isGiven else {
            throw CommandFailure(
                .usage,
                "a client that authenticates by \(method) has no signing key: leave "
                    + "--signing-key-file out, or say private_key_jwt (--auth; in a definition "
                    + "client_authentication), or in a definition assertion_claims")
        }
        if hasSecret != provider.clientAuthentication.usesSecret {
            guard !hasSecret else {
                throw CommandFailure(
                    .usage, "a client that authenticates by \(method) has no secret: leave it out")
            }
            throw CommandFailure(
                .usage,
                "which client secret? Give --client-secret-file, --client-secret-fd, or --public "
                    + "where there is none")
        }
        guard provider.needsKey, !signingKey.isGiven else { return }
        throw CommandFailure(
            .usage, "which signing key? Give --signing-key-file or --signing-key-fd")
    }

    /// An error about an endpoint, with the place where that is written.
    private func placed(_ error: VaultError) -> any Error {
        let options: [FailureSubject: String] = [
            .authorizationEndpoint: "--authorize-url", .tokenEndpoint: "--token-url",
            .revocationEndpoint: "--revoke-url", .redirectURI: "--redirect-uri",
            .scope: "--scope", .scopes: "--scope", .clientID: "--client-id",
            .signingKey: "--signing-key-file",
            // Only a definition has it.
            .refreshEndpoint: "--provider",
        ]
        guard let subject = error.detail.subject, let option = options[subject] else {
            return error
        }
        let failure = error.failure
        guard error.code == .endpointRefused, let definition else {
            return CommandFailure(failure.status, "\(option): \(failure.message)")
        }
        let place = ProviderDefinition(definition).place(of: subject.name)
        return CommandFailure(failure.status, "\(place): \(failure.message)")
    }

    private func provider() throws -> Provider {
        if let definition { return try ProviderDefinition(definition).entry().provider }
        guard let tokenEndpoint, authorizationEndpoint != nil || redirectURI == nil else {
            throw CommandFailure(.usage, "give both --authorize-url and --token-url")
        }
        var provider = Provider(
            name: id, authorizationEndpoint: authorizationEndpoint ?? "",
            tokenEndpoint: tokenEndpoint, revocationEndpoint: revocationEndpoint)
        if authorizationEndpoint == nil {
            provider.clientCredentialsGrantType = GrantType.clientCredentials.rawValue
        }
        let method = SettingValue(.text(authentication ?? "basic"))
        do throws(SettingError) {
            try ProviderSetting["client_authentication"]?.set(&provider, to: method)
            try provider.check()
        } catch {
            let options = [
                "authorization_endpoint": "--authorize-url", "token_endpoint": "--token-url",
                "revocation_endpoint": "--revoke-url", "client_authentication": "--auth",
            ]
            let option = options[error.setting].map { "\($0): " } ?? ""
            throw CommandFailure(.usage, option + error.description)
        }
        return provider
    }
}
