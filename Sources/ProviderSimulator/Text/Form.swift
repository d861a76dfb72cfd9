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
    init?(encoded: some Collection<UInt8>) {
        for field in encoded.split(separator: UInt8(ascii: "&")) {
            let split = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
            guard all.count < Form.fieldsMax,
                let name = Form.decode(field[..<split]), self[name] == nil,
                let value = Form.decode(field[split...].dropFirst())
            else { return nil }
            all.append((name, value))
        }
    }

    /// The value of a field; nil where it is absent. An empty value counts as absent only where
    /// the caller says so.
    subscript(name: String) -> String? {
        all.first { $0.name == name }?.value
    }

    /// The text with `+` read as a space and `%XX` as a byte; nil if it is not UTF-8 after that.
    static func decode(_ bytes: some Sequence<UInt8>) -> String? {
        let spaced = bytes.lazy.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        let text = String(validating: spaced, as: UTF8.self)
        // Almost nothing in a token request is escaped.
        return text?.utf8.contains(UInt8(ascii: "%")) == true ? text?.removingPercentEncoding : text
    }
}
