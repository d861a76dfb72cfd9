// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Where a front is reached: scheme, host, a port where needed, and the path that it is mounted at.
struct BaseURL: Hashable, Sendable {
    /// Without a final slash.
    let text: String
    /// Scheme, host and port alone.
    let origin: String

    /// Nil where it is no such URL.
    init?(_ text: String) {
        guard SettingKind<String>.isURL(text), !text.contains("?"), text.last != "/",
            let origin = Self.origin(of: text)
        else { return nil }
        (self.text, self.origin) = (text, origin)
    }

    /// What comes before the path; nil of what is not absolute.
    static func origin(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let path = url[scheme.upperBound...].firstIndex { "/?#".contains($0) }
        return String(url[..<(path ?? url.endIndex)])
    }
}
