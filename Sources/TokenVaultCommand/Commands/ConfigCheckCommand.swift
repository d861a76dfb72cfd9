// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault config check`.
struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a file of `serve --config`, and the files that it names.",
        discussion: """
            Everything that is wrong is told, each on a line of its own with the file and the \
            line; the exit status is 78 then. The vault is not opened, and no address is listened \
            on. Options that `serve` will be given as well are not known here.

            EXAMPLES
              tokenvault config check /etc/tokenvault/serve.yaml
            """)

    @Argument(help: "The file (YAML).")
    var file: String

    func run() async throws {
        try ServeFile(file).check()
        try Outlet.output.line("\(file.printable): good")
    }
}
