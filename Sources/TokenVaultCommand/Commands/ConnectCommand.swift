// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault

/// `tokenvault connect`.
struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: """
            Connect an account: send somebody's browser to the provider and wait, or let the \
            client ask by itself.
            """,
        discussion: """
            Prints the URL to open. If the application's redirect URI is http on 127.0.0.1 or \
            [::1], the command listens on exactly that address, for one callback and at most ten \
            minutes (RFC 8252). If the browser runs on another machine, over SSH for example, use \
            --paste: it reads the address that the browser ended at, without showing it, because \
            it holds a code. A connection that has tokens keeps them until the new ones arrive.

            Where there is no browser at hand, use --device, if the provider's definition has a \
            device_authorization_endpoint (RFC 8628): it shows a code and where to enter it, in a \
            browser anywhere, and waits. Ctrl-C gives up. A vault that is served goes on waiting \
            if this command is merely lost.

            What the provider's definition leaves open, such as the shop in its endpoints, is \
            given by --set. A client id and secret that are this connection's own, and not the \
            application's, are kept with it. Each replaces what the connection had, which stays \
            where none is given.

            With --client-credentials nobody's browser is needed: the application asks for a \
            token by its own authentication (RFC 6749 section 4.4), now and whenever the next is \
            due. With --jwt-bearer it asks by an assertion that it signs with its key (RFC 7523 \
            section 2.1), for the token of --subject, if the provider's definition has \
            assertion_claims.

            EXAMPLES
              tokenvault connect anna --app crm
              tokenvault connect anna --app crm --scope read --scope write --open
              tokenvault connect anna --app crm --paste
              tokenvault connect anna --app crm --device
              tokenvault connect acme --app shops --set shop=acme
              tokenvault connect acme --app crm --client-id 77 --client-secret-file acme.secret
              tokenvault connect reports --app api --client-credentials --scope reports.read
            """)

    @Argument(help: "The connection's id: your own name for the account.")
    var id: String

    @Option(name: .customLong("app"), help: "The application to connect through.")
    var application: String

    @Option(
        name: .customLong("scope"),
        help: "A scope to ask for instead of the application's. May be repeated.")
    var scopes: [String] = []

    @Option(
        name: .customLong("user-scope"),
        help: "A scope of the user's (user_scope_parameter), instead of the application's.")
    var userScopes: [String] = []

    @OptionGroup var variables: VariableOptions

    @Option(help: "The client id, where this connection has one of its own.")
    var clientId: String?

    @OptionGroup var clientSecret: ClientSecretOptions

    @Flag(
        name: .customLong("application-client"),
        help: "Use the application's client again instead of one of its own.")
    var usesApplicationClient = false

    @Option(
        name: .customLong("hide"),
        help: ArgumentHelp(
            "A variable, or something captured, that no person but the operator is to be shown. "
                + "May be repeated.", valueName: "name"))
    var hiddenNames: [String] = []

    @Flag(
        name: .customLong("client-credentials"),
        help: "Ask for tokens by the application's own authentication: nobody's browser is needed.")
    var usesClientCredentials = false

    @Flag(
        name: .customLong("jwt-bearer"),
        help: "Ask for tokens by an assertion that the application signs: no browser either.")
    var usesJWTBearer = false

    @Option(help: ArgumentHelp("Whose tokens to ask for by --jwt-bearer.", valueName: "user"))
    var subject: String?

    @Flag(help: "Read the address the browser ended at from the terminal, or from a pipe on stdin.")
    var paste = false

    @Flag(help: "Show a code to enter in a browser anywhere, and wait (RFC 8628).")
    var device = false

    @Flag(help: "Open the URL with xdg-open.")
    var open = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard clientSecret.count <= 1 else {
            throw ValidationError("give one of --client-secret-file and --client-secret-fd")
        }
        guard clientId != nil || clientSecret.count == 0 else {
            throw ValidationError("a client secret goes with --client-id")
        }
        guard clientId == nil || !usesApplicationClient else {
            throw ValidationError("give one of --client-id and --application-client")
        }
        guard !device || !paste && !open && userScopes.isEmpty else {
            throw ValidationError("--device goes with none of --paste, --open and --user-scope")
        }
        try checkGrant()
    }

    func run() async throws {
        try await options.withDoor { door in
            let application = try await door.application(id: application)
            if let grant {
                try await connect(door, application, by: grant)
                try Outlet.output.line("connected \(id.printable)")
                return try await warnOfGrant(door.status(id: id))
            }
            if !device { try Self.checkFlow(application) }
            guard
                userScopes.isEmpty || application.provider.provider.userScopeParameter != nil
            else {
                throw CommandFailure(
                    .usage,
                    "--user-scope: the application's provider has no user_scope_parameter")
            }
            if device {
                try await DeviceWait(door, id).connect(
                    deviceRequest(application), secret: clientSecret.read())
                return try await sayConnected(door, application)
            }
            let listener = paste ? nil : try Self.listener(application.redirectURI, door)
            let url = try await start(door, application)
            try Outlet.errors.line("Open this address in a browser:")
            try Outlet.output.line(url.printable)
            if open { Self.open(url) }
            if let listener {
                try Outlet.errors.line("Waiting for the callback, at most ten minutes.")
                try await listener.run { query in
                    try await complete(door, query)
                }
            } else {
                try await complete(door, Self.pastedQuery())
            }
            try await sayConnected(door, application)
        }
    }

    private func sayConnected(
        _ door: any VaultDoor, _ application: ApplicationForm
    ) async throws {
        try Outlet.output.line("connected \(id.printable)")
        try await warn(door, application)
    }

    /// Whether somebody's browser can be sent anywhere, and come back.
    private static func checkFlow(_ application: ApplicationForm) throws(CommandFailure) {
        let missing: String? =
            if application.provider.provider.authorizationEndpoint.isEmpty {
                "its provider has no authorization endpoint (`tokenvault app add --replace "
                    + "--authorize-url`)"
            } else if application.redirectURI.isEmpty {
                "it has no redirect URI (`tokenvault app add --replace --redirect-uri`)"
            } else {
                nil
            }
        guard let missing else { return }
        throw CommandFailure(
            .usage,
            "the application \(application.id.printable) sends nobody to a browser, since "
                + "\(missing): give --client-credentials or --jwt-bearer where it asks for tokens "
                + "by itself, or --device where its user enters a code")
    }

    private static func listener(
        _ redirectURI: String, _ door: any VaultDoor
    ) throws(CommandFailure) -> LoopbackListener {
        do throws(CommandFailure) {
            return try LoopbackListener(redirectURI: redirectURI)
        } catch {
            guard error.status == .cannotCreate else { throw error }
            let who =
                door is ServedVault
                ? "if that is `tokenvault serve --listen`, it would take the callback, and --paste "
                    + "would find no code: start it without --listen or on another port, or give "
                    + "the application a redirect URI of another port"
                : "end what listens there, or give --paste"
            throw CommandFailure(error.status, "\(error.message): \(who)")
        }
    }

    /// This is the one moment to mend it: later the user has to be asked again.
    private func warn(_ door: any VaultDoor, _ application: ApplicationForm) async throws {
        let status = try await door.status(id: id)
        try warnOfGrant(status)
        let remedy =
            "ask for one, by the scope offline_access or as the provider has it "
            + "(authorization_parameters), and connect again"
        if status.endCause == EndCause.notRenewable.rawValue {
            let end = status.diesAt.map { " at \($0.time.text)" } ?? ""
            try Outlet.errors.line(
                "tokenvault: warning: no refresh token came, so the connection ends with its "
                    + "access token\(end): \(remedy)")
        } else if status.expires == nil, status.nextRefresh == nil, status.endCause == nil,
            application.provider.provider.accessTokensExpire
        {
            try Outlet.errors.line(
                "tokenvault: warning: no refresh token came, and the answer does not say when the "
                    + "access token expires; the connection ends with it: \(remedy); where the "
                    + "provider's tokens do not expire, say so (access_tokens_expire: false)")
        }
    }

    private func deviceRequest(_ application: ApplicationForm) throws -> Request {
        try .connectDevice(
            id: id, application: application.id, scopes: scopes.isEmpty ? nil : scopes,
            own: own(application))
    }

    private func start(
        _ door: any VaultDoor, _ application: ApplicationForm
    ) async throws -> String {
        var url: String?
        let request = try Request.connect(
            id: id, application: application.id, scopes: scopes.isEmpty ? nil : scopes,
            userScopes: userScopes.isEmpty ? nil : userScopes, own: own(application))
        try await door.ask(request, secret: clientSecret.read()) { reply in
            if case .authorization(let found) = reply { url = found }
        }
        guard let url else { throw ServedVault.unexpected }
        return url
    }

    /// What is to be the connection's own.
    func own(_ application: ApplicationForm) throws -> OwnForm {
        let values = try variables.values(for: application.provider.provider)
        return OwnForm(
            values: values.isEmpty ? nil : values, clientID: clientId,
            usesApplicationClient: usesApplicationClient,
            hiddenNames: hiddenNames.isEmpty ? nil : hiddenNames)
    }

    private func complete(_ door: any VaultDoor, _ query: consuming Secret) async throws {
        let request = Request.complete(id: id, application: application)
        try await door.ask(request, secret: query) { _ in }
    }

    /// The query of an address that somebody pastes.
    private static func pastedQuery() throws -> Secret {
        let what = "the address"
        let address: Secret
        if Outlet(descriptor: 0).isTerminal {
            address = try Prompt().secret(
                "Paste the address the browser ended at (not shown): ", what: what)
        } else {
            address = try SecretInput.readLine(descriptor: 0, what: what)
        }
        return try PastedAddress.query(of: address)
    }

    /// Best effort: the address is on the screen too.
    private static func open(_ url: String) {
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [
            strdup("xdg-open"), strdup(url), nil,
        ]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let result = unsafe posix_spawnp(&child, "xdg-open", nil, nil, &arguments, environ)
        if result != 0 { try? Outlet.errors.line("xdg-open: \(SystemMessage.of(result))") }
    }
}
