// SPDX-License-Identifier: Apache-2.0

extension ReplyPath {
    /// The most elements of an array that are passed over.
    static let elementsMax = 64

    /// A string, a number, or `true` or `false`, as text. Nil where nothing of the kind lies there,
    /// and where a member on the way is there twice or what is walked is not whole.
    func text(in body: RawSpan) -> String? {
        guard body.byteCount <= JSONScanner.byteCountMax else { return nil }
        let start = JSONText.spaceEnd(body, from: JSONScanner.markEnd(body))
        do throws(VaultError) {
            return try Self.text(
                at: names[...], in: body.extracting(start..<body.byteCount))
        } catch {
            return nil
        }
    }

    private static func text(
        at steps: ArraySlice<String>, in bytes: RawSpan
    ) throws(VaultError) -> String? {
        guard let step = steps.first, bytes.byteCount > 0 else { return nil }
        guard bytes.byte(at: 0) == UInt8(ascii: "[") else {
            return try member(step, then: steps.dropFirst(), in: bytes)
        }
        guard let index = Int(step), (0..<elementsMax).contains(index),
            let element = try element(index, in: bytes)
        else { return nil }
        return steps.count > 1
            ? try text(at: steps.dropFirst(), in: bytes.extracting(element))
            : plain(bytes.extracting(element))
    }

    private static func member(
        _ name: String, then rest: ArraySlice<String>, in bytes: RawSpan
    ) throws(VaultError) -> String? {
        var scanner = try JSONScanner(bytes)
        var found: JSONScanner.Value?
        let name = name.utf8Span.span
        while let member = try scanner.next() {
            guard unsafe scanner.isText(member.name, name.bytes) else { continue }
            guard found == nil else { return nil }
            found = member.value
        }
        guard let found else { return nil }
        if !rest.isEmpty { return try text(at: rest, in: scanner.written(found)) }
        return found.kind == .string ? scanner.publicText(found) : plain(scanner.written(found))
    }

    /// Where an element lies, its white space left out.
    private static func element(
        _ index: Int, in bytes: RawSpan
    ) throws(VaultError) -> Range<Int>? {
        var offset = JSONText.spaceEnd(bytes, from: 1)
        for place in 0...index {
            var skip = JSONSkip()
            guard offset < bytes.byteCount, bytes.byte(at: offset) != UInt8(ascii: "]"),
                let end = try skip.end(in: bytes, from: offset)
            else { return nil }
            if place == index { return offset..<end }
            offset = JSONText.spaceEnd(bytes, from: end)
            guard offset < bytes.byteCount, bytes.byte(at: offset) == UInt8(ascii: ",") else {
                return nil
            }
            offset = JSONText.spaceEnd(bytes, from: offset + 1)
        }
        return nil
    }

    /// A value that is written without an escape.
    private static func plain(_ written: RawSpan) -> String? {
        guard let text = written.publicText, let first = text.utf8.first else { return nil }
        switch first {
        case UInt8(ascii: "\""):
            guard !text.utf8.contains(UInt8(ascii: "\\")) else { return nil }
            return String(text.dropFirst().dropLast())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return text
        default: return text == "true" || text == "false" ? text : nil
        }
    }
}
