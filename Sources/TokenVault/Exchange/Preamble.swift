// SPDX-License-Identifier: Apache-2.0

/// What a server has written before its answer: a warning of PHP's, a comment, a guard against
/// scripts. The tokens behind it must not be lost for it.
enum Preamble {
    /// The most braces at which the answer is looked for.
    private static let bracesMax = 64

    /// Drops what is before an object that names a token and that nothing follows but brackets,
    /// semicolons and white space. Nothing where the body begins with an object, or no such object
    /// ends it: words in the middle of a page are no answer.
    static func drop(from body: inout Secret, _ rules: ReplyRules?) {
        let start = JSONText.spaceEnd(body.bytes, from: JSONScanner.markEnd(body.bytes))
        guard start < body.count, body.bytes.byte(at: start) != UInt8(ascii: "{"),
            let object = object(in: body.bytes, from: start, rules)
        else { return }
        body.keep(object)
    }

    private static func object(
        in body: RawSpan, from start: Int, _ rules: ReplyRules?
    ) -> Range<Int>? {
        var bracesLeft = bracesMax
        for index in start..<body.byteCount where body.byte(at: index) == UInt8(ascii: "{") {
            guard bracesLeft > 0 else { return nil }
            bracesLeft -= 1
            let rest = body.extracting(index..<body.byteCount)
            guard let length = JSONScanner.objectLength(rest), isEnd(rest, from: length) else {
                continue
            }
            let object = rest.extracting(0..<length)
            if UnreadReply.namesToken(object) || rules?.holdsToken(object) ?? false {
                return index..<index + length
            }
        }
        return nil
    }

    private static func isEnd(_ bytes: RawSpan, from start: Int) -> Bool {
        for index in start..<bytes.byteCount {
            switch bytes.byte(at: index) {
            case 0, 0x09, 0x0A, 0x0D, 0x20: continue
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: ";"): continue
            default: return false
            }
        }
        return true
    }
}
