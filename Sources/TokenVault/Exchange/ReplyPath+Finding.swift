// SPDX-License-Identifier: Apache-2.0

extension ReplyPath {
    /// Lends the value at its end, where there is one, with the scanner that found it. All that is
    /// passed on the way is walked to its end.
    ///
    /// - Throws: `providerAnswerUnreadable` where that is not whole, or a name on the way is there
    ///   twice.
    func find(
        in body: RawSpan,
        _ use: (JSONScanner.Value, borrowing JSONScanner) throws(VaultError) -> Void
    ) throws(VaultError) {
        let start = JSONText.spaceEnd(body, from: JSONScanner.markEnd(body))
        let isArray = start < body.byteCount && body.byte(at: start) == UInt8(ascii: "[")
        try Self.find(names[...], in: body, isArray: isArray, use)
    }

    private static func find(
        _ names: ArraySlice<String>, in container: RawSpan, isArray: Bool,
        _ use: (JSONScanner.Value, borrowing JSONScanner) throws(VaultError) -> Void
    ) throws(VaultError) {
        guard let name = names.first else { return }
        let rest = names.dropFirst()
        var scanner = try JSONScanner(container)
        var found: JSONScanner.Value?
        if isArray {
            var index = 0
            while let element = try scanner.nextElement() {
                if String(index) == name { found = element }
                index += 1
            }
        } else {
            let text = name.utf8Span.span
            while let member = try scanner.next() {
                guard unsafe scanner.isText(member.name, text.bytes) else { continue }
                guard found == nil else { throw JSONScanner.unreadable }
                found = member.value
            }
        }
        guard let found else { return }
        if rest.isEmpty { return try use(found, scanner) }
        switch found.kind {
        case .object: try find(rest, in: scanner.written(found), isArray: false, use)
        case .array: try find(rest, in: scanner.written(found), isArray: true, use)
        default: break
        }
    }
}
