// SPDX-License-Identifier: Apache-2.0

import Foundation

extension String {
    /// Letters, digits, `-`, `.`, `_` and `~` (RFC 3986 section 2.3).
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    /// Whether a URL can hold the text as it is.
    var isUnreserved: Bool { unicodeScalars.allSatisfy(String.unreserved.contains) }

    /// Everything but the unreserved characters as `%XX`.
    var percentEncoded: String {
        addingPercentEncoding(withAllowedCharacters: String.unreserved) ?? ""
    }
}
