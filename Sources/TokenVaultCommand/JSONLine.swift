// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// One value as one line of JSON, its keys sorted.
enum JSONLine {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self).printableJSON
    }
}
