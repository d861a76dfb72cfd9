// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

// What somebody should know of what came back.
extension ConnectCommand {
    /// Says whose the connection is now where it was another's, and what was not granted: whoever
    /// sits before the browser can still mend both.
    func warnOfGrant(_ status: StatusForm) throws {
        if let earlier = status.earlierAccount {
            try Outlet.errors.line(
                "tokenvault: warning: another account came back: "
                    + "\((status.account ?? "").printable), and it was \(earlier.printable) "
                    + "before: where that is not meant, connect "
                    + "again with the other (`app add --refuse-other-account` takes no other)")
        }
        if let missing = status.missingScopes {
            try Outlet.errors.line(
                "tokenvault: warning: not granted: "
                    + "\(missing.joined(separator: ", ").printable): see which scopes the "
                    + "application may ask for, and what the user left out")
        }
    }
}
