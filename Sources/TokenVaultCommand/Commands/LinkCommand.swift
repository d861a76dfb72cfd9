// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault link`.
struct LinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "Make a link that connects an account in the browser of whoever opens it.",
        discussion: """
            Prints the URL. The page behind it shows a CONNECT button; the link works once, for \
            ten minutes, and outlives a restart of `serve`. Give it to the user whose account is \
            to be connected, and to nobody else.

            The link is at the host of the application's callback, which `serve` knows from its \
            hosts. Where no `serve` runs that answers browsers, say it with --base-url, or with \
            --config, the file of the `serve` that will: the link works once that has opened the \
            vault.

            --success and --failure are kept with the connection, so that a reconnect needs none \
            of it again; without them it keeps those that it has. They carry the seven parameters, \
            or the platform's own (--parameter).

            EXAMPLES
              tokenvault link anna --app crm
              tokenvault link anna --app crm --json --confirm
              tokenvault link anna --app crm --success https://platform.example.com/ok \\
                --parameter customer=7
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
    @OptionGroup var redirects: RedirectOptions

    @Flag(
        name: .customLong("confirm"),
        help: """
            The code is exchanged only after the platform has confirmed whose browser came back \
            (`tokenvault flow confirm`), within 60 seconds.
            """)
    var awaitsConfirmation = false

    @Option(
        name: .customLong("base-url"),
        help: ArgumentHelp(
            "Where the link will be opened, with no final slash: the host of the redirect URI.",
            valueName: "https://HOST"))
    var baseURL: String?

    @Option(help: ArgumentHelp("The file of the `serve` that will answer.", valueName: "file"))
    var config: String?

    @Flag(help: "One JSON object: url, flow, expires.")
    var json = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard baseURL.map({ BaseURL($0) != nil }) ?? true else {
            throw ValidationError(
                "--base-url is https:// and a host (http:// on this machine), and where the front "
                    + "is mounted under a path that path, with no final slash")
        }
    }

    func run() async throws {
        let file = try config.map { path throws in try ServeFile(path).checked() }
        let options = file.map { self.options.filled(from: $0) } ?? self.options
        try await options.withDoor(front: file?.front) { door in
            let provider = try await door.application(id: application).provider.provider
            let values = try variables.values(for: provider)
            let form = LinkForm(
                id: id, application: application, scopes: scopes.isEmpty ? nil : scopes,
                userScopes: userScopes.isEmpty ? nil : userScopes,
                own: values.isEmpty ? nil : OwnForm(values: values),
                redirects: try redirects.form(), awaitsConfirmation: awaitsConfirmation,
                baseURL: baseURL)
            var made: MadeLinkForm?
            try await door.ask(.link(form)) { reply in
                if case .link(let link) = reply { made = link }
            }
            guard let made else { throw ServedVault.unexpected }
            try tell(made)
        }
    }

    private func tell(_ link: MadeLinkForm) throws {
        if !link.isServed {
            try Outlet.errors.line(
                "tokenvault: nobody answers there yet: the link works once a `serve` at that host "
                    + "has opened this vault")
        }
        try Outlet.output.line(json ? JSONLine.of(link) : link.url.printable)
    }
}
