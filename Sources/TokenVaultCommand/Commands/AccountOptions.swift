// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Which accounts an application's connections may be connected again with.
struct AccountOptions: ParsableArguments {
    @Flag(
        name: .customLong("refuse-other-account"),
        help: """
            Never connect a connection again with another account than it had; the provider's \
            definition must say where that is looked up (lookup, with account).
            """)
    var refusesOther = false

    /// - Returns: what the application's form says; nil where it is not given.
    func refusal(by provider: Provider) throws(CommandFailure) -> Bool? {
        guard refusesOther else { return nil }
        guard let lookup = provider.lookup, !lookup.account.isEmpty else {
            let known = VaultError(.invalidArgument, .vault, .noAccountLookup).unknownAccounts
            throw CommandFailure(known.status ?? .usage, known.text)
        }
        return true
    }
}
