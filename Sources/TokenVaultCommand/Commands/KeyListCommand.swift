// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault key list`.
struct KeyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the keys of the JSON API, never their secrets.",
        discussion: """
            EXAMPLES
              tokenvault key list
              tokenvault key list --json | jq -r .id
            """)

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var options: VaultOptions

    func run() async throws {
        var forms: [APIKeyForm] = []
        try await options.withDoor { door in
            try await door.ask(.apiKeys) { reply in
                if case .apiKey(let form) = reply { forms.append(form) }
            }
        }
        if json {
            for form in forms { try Outlet.output.line(JSONLine.of(form)) }
            return
        }
        let rows = forms.map { form in
            [
                form.id, form.name, form.connections, form.scopes.joined(separator: " "),
                form.expires?.time.text ?? "never",
            ]
        }
        try Table(["ID", "NAME", "CONNECTIONS", "SCOPES", "EXPIRES"], rows).write()
    }
}
