// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault flow confirm`.
struct FlowConfirmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "It is the user who began: exchange the code.")

    @Argument(help: "The flow, as `tokenvault link --json` has it.")
    var flow: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        do {
            try await options.withDoor { door in
                var connected: String?
                try await door.ask(.confirmFlow(flow: flow)) { reply in
                    if case .connected(let id) = reply { connected = id }
                }
                guard let connected else { throw ServedVault.unexpected }
                try Outlet.output.line("connected \(connected.printable)")
            }
        } catch let error as VaultError {
            throw FlowCommand.failure(error)
        }
    }
}
