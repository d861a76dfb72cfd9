// SPDX-License-Identifier: Apache-2.0

extension UnreadReply {
    /// The body with what lies on the provider's paths to tokens of other names at its top, under
    /// RFC 6749's, in a block of its own: whoever finds it later needs no definition to see that
    /// tokens are in it. Nil where there are none, or no block is free.
    static func renamed(_ body: borrowing Secret, _ rules: ReplyRules) -> Secret? {
        guard !rules.otherTokens.isEmpty,
            var renamed = Secret(
                roomFor: min(2 * body.count + addedBytesMax, SecretArena.secretBytesMax))
        else { return nil }
        do throws(VaultError) {
            guard try append(tokensOf: body.bytes, rules, to: &renamed) else { return nil }
        } catch {
            return nil
        }
        return renamed
    }

    /// What two names at the top need beside their values.
    private static let addedBytesMax = 64

    private static func append(
        tokensOf body: RawSpan, _ rules: ReplyRules, to renamed: inout Secret
    ) throws(VaultError) -> Bool {
        guard let end = JSONScanner.objectLength(body) else { return false }
        var fits = renamed.append(byte: UInt8(ascii: "{"))
        var count = 0
        for (member, path) in rules.otherTokens {
            try path.find(in: body) { (value, scanner) throws(VaultError) in
                if scanner.isEmpty(value) { return }
                let quote = value.kind == .string ? "\"" : ""
                fits =
                    renamed.append("\"\(member.name)\":\(quote)")
                    && renamed.append(scanner.written(value)) && renamed.append("\(quote),") && fits
                count += 1
            }
        }
        let brace = JSONText.spaceEnd(body, from: JSONScanner.markEnd(body))
        return fits && count > 0 && renamed.append(body.extracting(brace + 1..<end))
    }
}
