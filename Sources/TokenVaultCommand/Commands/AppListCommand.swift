// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault app list`.
struct AppListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the applications, never their secrets or keys.",
        discussion: """
            EXAMPLES
              tokenvault app list
              tokenvault app list --json | jq -r .redirect_uri
            """)

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func run() async throws {
        var forms: [ApplicationForm] = []
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            try await door.ask(.applications) { reply in
                if case .application(let form) = reply { forms.append(form) }
            }
        }
        if json {
            for form in forms { try Outlet.output.line(JSONLine.of(form)) }
            return
        }
        let rows = forms.map { form in
            [
                form.id, form.provider.name, form.clientID,
                form.signingKey != nil ? "key" : form.hasClientSecret ? "secret" : "public",
                form.redirectURI,
                form.scopes.joined(separator: " "),
            ]
        }
        try Table(["ID", "PROVIDER", "CLIENT ID", "KIND", "REDIRECT URI", "SCOPES"], rows).write()
    }
}
