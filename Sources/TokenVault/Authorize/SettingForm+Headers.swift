// SPDX-License-Identifier: Apache-2.0

/// Names and values of header fields that a definition may add to a request.
enum HeaderField {
    /// Fields of the connection's own, of the body's, and of whoever sends the request: one that a
    /// definition adds would contradict them, or would be a secret (RFC 9110 sections 6 to 11).
    private static let reserved: Set<String> = [
        "authorization", "proxy-authorization", "connection", "proxy-connection", "keep-alive",
        "te", "trailer", "transfer-encoding", "upgrade", "host", "cookie", "expect",
        "accept-encoding", "user-agent",
    ]

    /// Whether a name is a token (RFC 9110 section 5.6.2) of 1 to `parameterNameBytesMax` bytes.
    static func isName(_ name: String) -> Bool {
        (1...Provider.parameterNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                TextEncoding.isUnreserved(byte) || "!#$%&'*+^`|".utf8.contains(byte)
            }
    }

    /// Whether requests set the field themselves.
    static func isReserved(_ name: String) -> Bool {
        let name = name.lowercased()
        return reserved.contains(name) || name.hasPrefix("content-")
    }

    /// Whether a value is printable ASCII: a line end would begin another field.
    static func isValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }
}

extension SettingForm where Value == [Provider.Parameter] {
    /// Header fields, by name.
    static func headers(countMax: Int, valueBytesMax: Int) -> Self {
        let words = "names and values of header fields, at most \(countMax)"
        let parameters = SettingForm.parameters(reserved: [], valueBytesMax: valueBytesMax)
        return Self(
            words: words,
            read: { value throws(SettingError) in
                let fields = try parameters.read(value)
                guard fields.count <= countMax,
                    Set(fields.map { $0.name.lowercased() }).count == fields.count
                else { throw value.refused(wanted: words) }
                for field in fields {
                    guard HeaderField.isName(field.name), !HeaderField.isReserved(field.name) else {
                        throw SettingError(
                            setting: "", value: "\"\(field.name)\"", wanted: "leave it out",
                            problem: HeaderField.isName(field.name)
                                ? "is set by the request itself" : "is no name of a header field",
                            line: value.line)
                    }
                    guard HeaderField.isValue(field.value) else {
                        throw SettingError(
                            setting: "", value: "the value of \"\(field.name)\"",
                            wanted: "printable ASCII", line: value.line)
                    }
                }
                return fields
            },
            show: parameters.show, kind: parameters.kind, store: parameters.store,
            restore: parameters.restore)
    }
}
