// SPDX-License-Identifier: Apache-2.0

extension TextEncoding {
    /// The names of the parameters in a URL's own query, decoded; none where there is no query.
    static func queryNames(_ url: String) -> [String] {
        let address = url.prefix { $0 != "#" }
        guard let question = address.firstIndex(of: "?") else { return [] }
        return address[question...].dropFirst().split(separator: "&").map { parameter in
            decoded(parameter.prefix { $0 != "=" })
        }
    }

    /// What form-encoded text that is no secret stands for; a malformed escape stays as it is.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let high = hexValue(rest[rest.startIndex]),
                let low = hexValue(rest[rest.startIndex + 1])
            {
                bytes.append(high << 4 | low)
                rest.removeFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
