// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say of an account that is not the one that a connection has.
extension VaultError {
    var refusedAccount: KnownCause? {
        guard detail.cause == .accountUnknown else { return nil }
        return KnownCause(
            "nobody could say which account came back, and the application takes no other than the "
                + "connection has (refuses_other_account); nothing was changed: see that lookup in "
                + "the provider's definition still finds the account, and run connect again",
            .providerUnavailable)
    }

    /// Of an application that cannot refuse what nobody looks up.
    var unknownAccounts: KnownCause {
        KnownCause(
            "--refuse-other-account needs a provider whose definition says where the account is "
                + "looked up (lookup, with url and account): add that, or leave the option out",
            .usage)
    }
}
