// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault flow drop`.
struct FlowDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "It is somebody else: the code is never exchanged.")

    @Argument(help: "The flow, as `tokenvault link --json` has it.")
    var flow: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        do {
            try await options.withDoor { door in
                try await door.ask(.dropFlow(flow: flow))
                try Outlet.output.line("dropped")
            }
        } catch let error as VaultError {
            throw FlowCommand.failure(error)
        }
    }
}
