// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault flow`: flows that await the platform's confirmation.
struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow",
        abstract:
            "Confirm or drop a flow that waits for the platform (`tokenvault link --confirm`).",
        discussion: """
            The platform confirms where the browser that came back is its user's who began. Until \
            then the code is kept, sealed, for 60 seconds, and is not exchanged.

            EXAMPLES
              tokenvault flow confirm FLOW
              tokenvault flow drop FLOW
            """,
        subcommands: [FlowConfirmCommand.self, FlowDropCommand.self])

    /// What it means here that the flow is not found.
    static func failure(_ error: VaultError) -> any Error {
        guard error.code == .flowExpired else { return error }
        return CommandFailure(
            .connectAgain,
            "no callback of this flow waits: its user has not come back yet, 60 seconds have gone "
                + "by since, or it was confirmed or dropped already: make another link")
    }
}
