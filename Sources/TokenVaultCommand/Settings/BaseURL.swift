// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Where a front is reached: scheme, host, a port where needed, and the path that it is mounted at.
struct BaseURL: Hashable, Sendable {
    /// Without a final slash.
    let text: String

    /// Nil where it is no such URL.
    init?(_ text: String) {
        guard SettingKind<String>.isURL(text), !text.contains("?"), text.last != "/" else {
            return nil
        }
        self.text = text
    }
}
