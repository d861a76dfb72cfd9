// SPDX-License-Identifier: Apache-2.0

/// The body of a success that nobody here can use, and that yet may hold the only copy of a token:
/// one whole JSON object, or form (RFC 6749 appendix B), that names an access or a refresh token,
/// at any depth and in any spelling. A page, half an object or anything else names none, whatever
/// words are in it.
enum UnreadReply {
    /// What is kept of one.
    enum Extent {
        /// The members that `ReplyMember` lists, and those in which a token is named.
        case members
        /// The tokens, where there is no room for more.
        case tokens
        /// The refresh tokens, where there is no room for both.
        case refreshTokens
    }

    /// Why a body is one, where that is known: the rule that its members break, or it is a token
    /// response but for its type.
    static func cause(_ body: borrowing Secret, _ rules: ReplyRules?) -> FailureCause? {
        do throws(VaultError) {
            let members = try TokenReply.Members(body.bytes, rules)
            if members.isTokenResponse(.any) { return .tokenTypeNotTaken }
            return members.accessToken == nil && members.holdsToken ? .noAccessToken : nil
        } catch {
            return error.detail.cause
        }
    }

    /// Whether a body is one.
    static func namesToken(_ body: RawSpan) -> Bool { found(in: body, .members) != nil }

    /// Reduces a body, in place. False, with nothing changed, where it is no such body, or
    /// nothing is left of it.
    ///
    /// - Parameter rules: how the provider's answers differ. Tokens that no other provider has
    ///   under such a name are at the top of what is left, under RFC 6749's.
    static func reduce(
        _ body: inout Secret, _ rules: ReplyRules? = nil, to extent: Extent = .members
    ) -> Bool {
        if let rules, let renamed = renamed(body, rules) { body = renamed }
        guard let found = Self.found(in: body, extent, rules) else { return false }
        // A brace or a separator was before each part, so what is written never overtakes what is
        // still to be read.
        var end = 0
        func write(_ byte: UInt8, _ body: inout Secret) {
            body.store(byte, at: end)
            end += 1
        }
        if found.isObject { write(UInt8(ascii: "{"), &body) }
        for (index, range) in found.parts.enumerated() {
            if index > 0 { write(UInt8(ascii: found.isObject ? "," : "&"), &body) }
            body.move(range, to: end)
            end += range.count
        }
        if found.isObject { write(UInt8(ascii: "}"), &body) }
        body.shorten(to: end)
        return true
    }

    /// What is kept of a body.
    private struct Found {
        let isObject: Bool
        /// Names and values, in their order.
        var parts: [Range<Int>] = []
        var namesToken = false

        /// A name, whether it is read, whether its value may be a token, and where both lie.
        mutating func add(
            _ name: ReplyMember?, isRead: Bool, isToken: Bool, _ range: Range<Int>,
            _ extent: Extent
        ) {
            let isKept =
                switch extent {
                case .members: isRead || isToken
                case .tokens: isToken
                // What is deeper, or spelled otherwise, is not told apart.
                case .refreshTokens: isToken && name != .accessToken
                }
            guard isKept else { return }
            namesToken = namesToken || isToken
            parts.append(range)
        }
    }

    private static func found(
        in body: borrowing Secret, _ extent: Extent, _ rules: ReplyRules?
    ) -> Found? {
        found(in: body.bytes, extent, rules)
    }

    private static func found(
        in body: RawSpan, _ extent: Extent, _ rules: ReplyRules? = nil
    ) -> Found? {
        var found: Found?
        do throws(VaultError) {
            found = try members(of: body, extent, rules)
        } catch {
            found = pairs(of: body, extent)
        }
        return found.flatMap { $0.namesToken ? $0 : nil }
    }

    // MARK: Objects

    private static func members(
        of body: RawSpan, _ extent: Extent, _ rules: ReplyRules?
    ) throws(VaultError) -> Found {
        var scanner = try JSONScanner(body)
        var found = Found(isObject: true)
        while let member = try scanner.next() {
            let (written, value) = (scanner.written(member.name), member.value)
            let name = ReplyMember(written, hasEscapes: member.name.hasEscapes)
            let isOnPath =
                rules?.child(
                    of: ReplyRules.root, written, hasEscapes: member.name.hasEscapes) != nil
            var isToken =
                ReplyMember.token(named: written, hasEscapes: member.name.hasEscapes) != nil
            if scanner.isEmpty(value) {
                isToken = false
            } else if value.kind == .object || value.kind == .array {
                isToken = isToken || holdsToken(scanner.written(value))
            }
            // With the quotes around the name, and around a value that has some.
            let start = member.name.range.lowerBound - 1
            let end = value.range.upperBound + (value.kind == .string ? 1 : 0)
            found.add(
                name, isRead: name != nil || isOnPath, isToken: isToken, start..<end, extent)
        }
        return found
    }

    /// Whether a token is named inside an object or an array, however deep.
    static func holdsToken(_ container: RawSpan) -> Bool {
        var offset = 0
        while true {
            offset = JSONText.quoteOrBackslash(container, from: offset) + 1
            var hasEscapes = false
            guard
                let end = JSONText.closingQuote(container, from: offset, hasEscapes: &hasEscapes)
            else { return false }
            let text = container.extracting(offset..<end)
            offset = JSONText.spaceEnd(container, from: end + 1)
            guard offset < container.byteCount,
                container.byte(at: offset) == UInt8(ascii: ":")
            else { continue }
            offset = JSONText.spaceEnd(container, from: offset + 1)
            if ReplyMember.token(named: text, hasEscapes: hasEscapes) != nil,
                isToken(container, at: offset)
            {
                return true
            }
        }
    }

    /// Whether a value may be a token: no literal, and not empty.
    private static func isToken(_ container: RawSpan, at offset: Int) -> Bool {
        guard offset + 1 < container.byteCount else { return false }
        switch container.byte(at: offset) {
        case UInt8(ascii: "n"), UInt8(ascii: "f"): return false
        case UInt8(ascii: "\""): return container.byte(at: offset + 1) != UInt8(ascii: "\"")
        default: return true
        }
    }

    // MARK: Forms

    /// A body without the white space at its end.
    @_lifetime(copy body)
    static func form(_ body: RawSpan) -> RawSpan {
        var end = body.byteCount
        while end > 0, body.byte(at: end - 1) <= 0x20 { end -= 1 }
        return body.extracting(0..<end)
    }

    private static func pairs(of body: RawSpan, _ extent: Extent) -> Found? {
        let form = form(body)
        var found = Found(isObject: false)
        var start = 0
        while start < form.byteCount {
            guard let pair = pair(form, from: start) else { return nil }
            let written = form.extracting(pair.name)
            let name = ReplyMember(written, hasEscapes: false)
            let isToken =
                ReplyMember.token(named: written, hasEscapes: false) != nil
                && pair.end > pair.name.upperBound + 1
            found.add(name, isRead: name != nil, isToken: isToken, start..<pair.end, extent)
            start = pair.end + 1
        }
        return found
    }

    /// A name and where its value ends. Nil where there is a byte that a form does not have.
    static func pair(_ form: RawSpan, from start: Int) -> (name: Range<Int>, end: Int)? {
        var (offset, nameEnd) = (start, Int?.none)
        while offset < form.byteCount {
            switch form.byte(at: offset) {
            case UInt8(ascii: "&"): return (start..<(nameEnd ?? offset), offset)
            case UInt8(ascii: "="): nameEnd = nameEnd ?? offset
            case ...0x20, 0x7F..., UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "{"), UInt8(ascii: "}"):
                return nil
            default: break
            }
            offset += 1
        }
        return (start..<(nameEnd ?? offset), offset)
    }
}
