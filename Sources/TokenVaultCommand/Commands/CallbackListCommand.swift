// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault callback list`.
struct CallbackListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract:
            "Show each application's redirect URI, whether it is served, and those it could have.",
        discussion: """
            A provider compares the redirect URI character by character, and so does `serve`: what \
            is registered is exactly one of the strings that are shown. The hosts are those of the \
            `serve` that runs, or of the file that --config names.

            EXAMPLES
              tokenvault callback list
              tokenvault callback list --config serve.yaml --json
            """)

    @Option(help: ArgumentHelp("The file of `serve` whose hosts to show.", valueName: "file"))
    var config: String?

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var options: VaultOptions

    func run() async throws {
        let file = try config.map { path throws in try ServeFile(path).checked() }
        let options = file.map { self.options.filled(from: $0) } ?? self.options
        var callbacks: [CallbackURI] = []
        var reach = file?.front.reach
        try await options.withDoor { door in
            try await door.ask(.applications) { reply in
                if case .application(let form) = reply { callbacks.append(CallbackURI(form)) }
            }
            guard reach == nil else { return }
            try await door.ask(.reach) { reply in
                if case .reach(let found) = reply { reach = found }
            }
        }
        guard let reach else { throw ServedVault.unexpected }
        if reach.origins.isEmpty {
            try Outlet.errors.line(
                "tokenvault: no process serves this vault to browsers: give --config, the file of "
                    + "`serve` with its hosts")
        }
        let forms = callbacks.map { CallbackForm($0, reach) }
        for form in forms {
            guard let warning = form.warning else { continue }
            try Outlet.errors.line(
                "tokenvault: warning: \(form.application.printable): \(warning.printable)")
        }
        if json {
            for form in forms { try Outlet.output.line(JSONLine.of(form)) }
            return
        }
        try Table(["APPLICATION", "CALLBACK URL", "STATE"], forms.flatMap(\.rows)).write()
    }
}
