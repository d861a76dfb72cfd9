// SPDX-License-Identifier: Apache-2.0

/// One piece of Swift or C source. Comments are gone, and of a string literal only the code in its
/// interpolations is left.
struct Token {
    enum Kind { case word, number, literal, symbol }

    var kind: Kind
    var text: String
    var line: Int
    /// Whether nothing, not even a space, stands between this token and the one before.
    var touchesPrevious: Bool

    static func all(in text: String) -> [Token] {
        var tokenizer = Tokenizer(text)
        tokenizer.readCode(untilParenthesis: false)
        return tokenizer.tokens
    }
}

/// Knows nested comments, raw and multi-line strings, interpolation, and extended regular
/// expressions. A bare `/regex/` is read as code, so the sources do without it.
private struct Tokenizer {
    private(set) var tokens: [Token] = []
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var endOfPrevious = -1

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func readCode(untilParenthesis: Bool) {
        var depth = 0
        while let byte = peek() {
            switch byte {
            case _ where byte.isWord:
                readWord()
            case _ where startsWith("//"):
                skip { $0 != .newline }
            case _ where startsWith("/*"):
                skipBlockComment()
            case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "'"):
                readLiteralOrSymbol()
            case UInt8(ascii: "`"):
                advance(1)
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), .newline:
                advance(1)
            default:
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                if untilParenthesis, depth < 0 { return advance(1) }
                append(.symbol, from: position, to: position + 1)
                advance(1)
            }
        }
    }

    private mutating func readWord() {
        let start = position
        let kind: Token.Kind = bytes[start].isDigit ? .number : .word
        skip { $0.isWord }
        if kind == .number, peek() == UInt8(ascii: "."), peek(1)?.isDigit == true {
            advance(1)
            skip { $0.isWord }
        }
        append(kind, from: start, to: position)
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if startsWith("/*") {
                depth += 1
                advance(2)
            } else if startsWith("*/") {
                depth -= 1
                advance(2)
            } else {
                advance(1)
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func readLiteralOrSymbol() {
        var hashes = 0
        while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
        switch peek(hashes) {
        case UInt8(ascii: "\""):
            let quote = startsWith("\"\"\"", at: hashes) ? "\"\"\"" : "\""
            readLiteral(quote: quote, hashes: hashes)
        case UInt8(ascii: "/") where hashes > 0:
            readLiteral(quote: "/", hashes: hashes)
        case UInt8(ascii: "'") where hashes == 0:
            readLiteral(quote: "'", hashes: 0)
        default:
            append(.symbol, from: position, to: position + 1)
            advance(1)
        }
    }

    private mutating func readLiteral(quote: String, hashes: Int) {
        let start = position
        let hashText = String(repeating: "#", count: hashes)
        append(.literal, from: start, to: start)
        advance(hashes + quote.utf8.count)
        while position < bytes.count {
            if startsWith(quote + hashText) {
                advance(quote.utf8.count + hashes)
                break
            }
            if startsWith("\\" + hashText + "("), quote.hasPrefix("\"") {
                advance(hashes + 2)
                readCode(untilParenthesis: true)
            } else if startsWith("\\" + hashText) {
                advance(hashes + 2)
            } else if peek() == .newline, quote != "\"\"\"", quote != "/" {
                break
            } else {
                advance(1)
            }
        }
        endOfPrevious = position
    }

    private mutating func append(_ kind: Token.Kind, from start: Int, to end: Int) {
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        let touches = start == endOfPrevious
        tokens.append(Token(kind: kind, text: text, line: line, touchesPrevious: touches))
        endOfPrevious = end
    }

    private mutating func advance(_ count: Int) {
        let end = min(position + count, bytes.count)
        for index in position..<end where bytes[index] == .newline { line += 1 }
        position = end
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = peek(), condition(byte) { advance(1) }
    }

    private func peek(_ distance: Int = 0) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    private func startsWith(_ text: String, at distance: Int = 0) -> Bool {
        bytes[min(position + distance, bytes.count)...].starts(with: text.utf8)
    }
}

extension UInt8 {
    fileprivate static var newline: UInt8 { UInt8(ascii: "\n") }

    fileprivate var isDigit: Bool {
        self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9")
    }

    /// Letters, digits, the underscore, the dollar, and every byte of a character beyond ASCII.
    fileprivate var isWord: Bool {
        let lower = self | 0x20
        return isDigit || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
            || self == UInt8(ascii: "_") || self == UInt8(ascii: "$") || self >= 0x80
    }
}
