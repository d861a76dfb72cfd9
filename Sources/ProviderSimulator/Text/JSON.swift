// SPDX-License-Identifier: Apache-2.0

import Foundation

/// JSON as this server writes it: on one line, sorted by name, slashes left alone.
enum JSON {
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// A value in its own form.
    static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// An object of strings, numbers, truth values and lists of strings.
    static func object(_ members: [String: any Sendable]) throws -> String {
        let data = try JSONSerialization.data(
            withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
