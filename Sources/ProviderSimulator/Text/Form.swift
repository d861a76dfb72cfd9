// SPDX-License-Identifier: Apache-2.0

/// The fields of a query string or of an `application/x-www-form-urlencoded` body.
struct Form: Sendable {
    /// More fields than any OAuth request has.
    static let fieldsMax = 64

    private var fields: [(name: String, value: String)] = []

    /// A form with the fields given.
    init(_ fields: KeyValuePairs<String, String>) {
        self.fields = fields.map { (name: $0.key, value: $0.value) }
    }

    /// Reads the encoded text. Fails on a broken escape, on more than ``fieldsMax`` fields, and on
    /// a name that comes twice: RFC 6749 section 3.1 says that parameters must not.
    init?(encoded: some Collection<UInt8>) {
        for field in encoded.split(separator: UInt8(ascii: "&")) {
            let split = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
            guard fields.count < Form.fieldsMax,
                let name = PercentCoding.decode(field[..<split]), self[name] == nil,
                let value = PercentCoding.decode(field[split...].dropFirst())
            else { return nil }
            fields.append((name, value))
        }
    }

    /// The value of a field; nil where it is absent. An empty value counts as absent only where
    /// the caller says so.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// The fields as hidden inputs are written: in their order.
    var all: [(name: String, value: String)] { fields }
}
