// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The fields of a query string or of an `application/x-www-form-urlencoded` body.
struct Form: Sendable {
    /// More fields than any OAuth request has.
    static let fieldsMax = 64

    /// The fields, in their order.
    private(set) var all: [(name: String, value: String)] = []

    /// Reads the encoded text. Fails on a broken escape, on more than ``fieldsMax`` fields, and on
    /// a name that comes twice: RFC 6749 section 3.1 says that parameters must not.
    init?(encoded: some Sequence<UInt8>) {
        // Looked at once as a whole, in memory that is contiguous: half of what a refresh costs
        // here otherwise.
        guard let text = String(validating: Array(encoded), as: UTF8.self) else { return nil }
        for field in text.utf8.split(separator: UInt8(ascii: "&")) {
            let split = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
            guard all.count < Form.fieldsMax,
                let name = Form.decode(field[..<split]), self[name] == nil,
                let value = Form.decode(field[split...].dropFirst())
            else { return nil }
            all.append((name, value))
        }
    }

    /// Fields that were read elsewhere.
    init(fields: [(name: String, value: String)]) {
        all = Array(fields.prefix(Form.fieldsMax))
    }

    /// The value of a field; nil where it is absent. An empty value counts as absent only where
    /// the caller says so.
    subscript(name: String) -> String? {
        all.first { $0.name == name }?.value
    }

    /// The text with `+` read as a space and `%XX` as a byte; nil if it is not UTF-8 after that.
    static func decode(_ text: Substring.UTF8View) -> String? {
        // Almost nothing in a token request is escaped.
        let isPlain = text.allSatisfy { $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "+") }
        if isPlain { return String(Substring(text)) }
        return String(Substring(text).map { $0 == "+" ? " " : $0 }).removingPercentEncoding
    }
}
