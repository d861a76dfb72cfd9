// SPDX-License-Identifier: Apache-2.0

import Mustache

/// How a value is written on a page. The engine's own way goes by `Character`, to which a quote
/// with a combining mark after it is not a quote, though it is one to a browser: here each scalar
/// is looked at.
struct HTMLText: MustacheContentType {
    /// What the templates call it, in their first line.
    static let name = "HTML-TEXT"

    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
