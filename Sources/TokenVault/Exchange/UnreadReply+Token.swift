// SPDX-License-Identifier: Apache-2.0

extension UnreadReply {
    /// A copy of the first token of that name in an object that can be read by itself, whatever is
    /// wrong beside it; nil where there is none.
    ///
    /// - Throws: as `Secret.init(copying:)`; `providerAnswerUnreadable` where it is no object.
    static func token(_ wanted: ReplyMember, in body: RawSpan) throws(VaultError) -> Secret? {
        var scanner = try JSONScanner(body)
        while let member = try scanner.next() {
            let name = ReplyMember(
                scanner.written(member.name), hasEscapes: member.name.hasEscapes)
            let value = member.value
            guard name == wanted, value.kind == .string,
                let count = scanner.visibleByteCount(value),
                (1...TokenSet.tokenBytesMax).contains(count)
            else { continue }
            var token = try Secret(copying: scanner.written(value))
            if value.hasEscapes {
                token.shorten(to: JSONText.unescape(0..<token.count, of: &token).upperBound)
            }
            return token
        }
        return nil
    }
}
