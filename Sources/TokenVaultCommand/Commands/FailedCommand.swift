// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault failed`.
struct FailedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failed",
        abstract: "Report that the component that used a connection failed.",
        discussion: """
            For an error of the component's own, which another token would not mend. The light is \
            red and shows the number until `tokenvault use`; tokens are lent and refreshed as \
            before.

            EXAMPLES
              tokenvault failed anna --code 17
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Option(
        parsing: .unconditional,
        help: "The component's own number for what went wrong, such as its exit status.")
    var code: Int32

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { try await $0.ask(.failed(id: id, code: code)) }
    }
}
