// SPDX-License-Identifier: Apache-2.0

// A body that is reduced while it arrives: what is settled lies at the beginning, and behind it
// what has come since and is not whole enough to be told.
extension ReplyBody {
    /// How long a name is looked for to its end, in bytes as it is written: one of ours with every
    /// letter escaped.
    private static let nameBytesMax = 6 * ReplyMember.nameBytesMax

    /// Begins to reduce what lies there, where it is an object.
    mutating func begin() {
        let start = JSONText.spaceEnd(secret.bytes, from: JSONScanner.markEnd(secret.bytes))
        guard start < secret.count, secret.bytes.byte(at: start) == UInt8(ascii: "{") else {
            place = .page
            return
        }
        keepUnread(from: start)
        settled = 1
        place = .member(isFirst: true)
    }

    /// Settles what can be told by now.
    mutating func settle() {
        var offset = settled
        var goesOn = isReducing
        while goesOn {
            do throws(VaultError) {
                goesOn = try step(&offset)
            } catch {
                place = .broken
            }
            switch place {
            case .end, .broken:
                if case .broken = place { settled = 0 }
                secret.shorten(to: settled)
                return
            default: break
            }
        }
        if isReducing, offset > settled { keepUnread(from: offset) }
    }

    /// Moves what is not settled behind what is.
    private mutating func keepUnread(from offset: Int) {
        let rest = offset..<secret.count
        secret.move(rest, to: settled)
        secret.shorten(to: settled + rest.count)
    }

    /// The rest of a name or a value, of which nothing is kept; returns where it ends in the piece.
    mutating func pass(
        _ piece: RawSpan, from offset: Int, _ skip: JSONSkip, isName: Bool
    ) -> Int {
        var skip = skip
        do throws(VaultError) {
            guard let end = try skip.end(in: piece, from: offset) else {
                place = isName ? .longName(skip) : .rest(skip)
                return piece.byteCount
            }
            place = isName ? .colon : .member(isFirst: false)
            return end
        } catch {
            place = .broken
            return piece.byteCount
        }
    }

    /// One step on from `offset`, which it moves. False where more bytes are needed.
    private mutating func step(_ offset: inout Int) throws(VaultError) -> Bool {
        switch place {
        case .member(let isFirst):
            offset = JSONText.spaceEnd(secret.bytes, from: offset)
            return try member(&offset, isFirst: isFirst)
        case .colon:
            offset = JSONText.spaceEnd(secret.bytes, from: offset)
            guard offset < secret.count else { return false }
            try expect(UInt8(ascii: ":"), at: offset)
            offset += 1
            place = .value
            return true
        case .value:
            offset = JSONText.spaceEnd(secret.bytes, from: offset)
            guard offset < secret.count else { return false }
            return try passValue(&offset)
        default: return false
        }
    }

    private func expect(_ byte: UInt8, at offset: Int) throws(VaultError) {
        guard secret.bytes.byte(at: offset) == byte else { throw JSONScanner.unreadable }
    }

    /// A member with the comma before it, or the end.
    private mutating func member(
        _ offset: inout Int, isFirst: Bool
    ) throws(VaultError) -> Bool {
        guard offset < secret.count else { return false }
        if secret.bytes.byte(at: offset) == UInt8(ascii: "}") {
            secret.store(UInt8(ascii: "}"), at: settled)
            settled += 1
            guard containers.popLast() != nil else {
                place = .end
                return false
            }
            (place, offset) = (.member(isFirst: false), offset + 1)
            return true
        }
        guard let start = try nameStart(from: offset, isFirst: isFirst) else { return false }
        var hasEscapes = false
        guard
            let nameEnd = JSONText.closingQuote(
                secret.bytes, from: start + 1, hasEscapes: &hasEscapes)
        else {
            guard secret.count - start > Self.nameBytesMax else { return false }
            var skip = JSONSkip()
            _ = try skip.end(in: secret.bytes, from: start)
            (place, offset) = (.longName(skip), secret.count)
            return false
        }
        guard let value = try valueStart(behind: nameEnd) else { return false }
        let name = start + 1..<nameEnd
        let node = node(named: name, hasEscapes: hasEscapes)
        if let node, leadsOn(node), secret.bytes.byte(at: value) == UInt8(ascii: "{") {
            settle(start..<nameEnd + 1)
            secret.store(":{", at: settled)
            settled += 2
            containers.append(node)
            (place, offset) = (.member(isFirst: true), value + 1)
            return true
        }
        guard node != nil || isOurs(name, hasEscapes: hasEscapes) else {
            offset = value
            return try passValue(&offset)
        }
        var skip = JSONSkip()
        guard let end = try skip.end(in: secret.bytes, from: value) else { return false }
        if leavesRoom(start..<end, value: value..<end) || !settleName(start..<nameEnd + 1) {
            settle(start..<end)
        }
        (place, offset) = (.member(isFirst: false), end)
        return true
    }

    /// Where the name of the next member begins, with its quote.
    private func nameStart(from offset: Int, isFirst: Bool) throws(VaultError) -> Int? {
        var start = offset
        if !isFirst {
            try expect(UInt8(ascii: ","), at: offset)
            start = JSONText.spaceEnd(secret.bytes, from: offset + 1)
        }
        guard start < secret.count else { return nil }
        try expect(UInt8(ascii: "\""), at: start)
        return start
    }

    /// Where the value begins of a name that ends there.
    private func valueStart(behind nameEnd: Int) throws(VaultError) -> Int? {
        let colon = JSONText.spaceEnd(secret.bytes, from: nameEnd + 1)
        guard colon < secret.count else { return nil }
        try expect(UInt8(ascii: ":"), at: colon)
        let value = JSONText.spaceEnd(secret.bytes, from: colon + 1)
        return value < secret.count ? value : nil
    }

    /// Whether a member is read wherever the provider has it: inside an object a token alone, which
    /// must not be lost.
    private func isOurs(_ name: Range<Int>, hasEscapes: Bool) -> Bool {
        let written = secret.bytes.extracting(name)
        return containers.isEmpty
            ? ReplyMember(written, hasEscapes: hasEscapes) != nil
            : ReplyMember.token(named: written, hasEscapes: hasEscapes) != nil
    }

    /// The node on one of the provider's paths that a member is.
    private func node(named name: Range<Int>, hasEscapes: Bool) -> Int? {
        guard let rules else { return nil }
        return rules.child(
            of: containers.last ?? ReplyRules.root, secret.bytes.extracting(name),
            hasEscapes: hasEscapes)
    }

    /// Whether members of ours lie inside what is at a node: then it is reduced, too.
    private func leadsOn(_ node: Int) -> Bool {
        guard let rules else { return false }
        return rules.nodes[node].leadsToMember && !rules.nodes[node].children.isEmpty
    }

    /// A value that nobody reads, from where it begins.
    private mutating func passValue(_ offset: inout Int) throws(VaultError) -> Bool {
        var skip = JSONSkip()
        guard let end = try skip.end(in: secret.bytes, from: offset) else {
            (place, offset) = (.rest(skip), secret.count)
            return false
        }
        (place, offset) = (.member(isFirst: false), end)
        return true
    }

    // MARK: Members of ours that are too long

    /// What is kept free for the others where one of ours is longer than it may be: another token.
    private static let roomBytes = TokenSet.tokenBytesMax + 1024

    /// Whether a member of ours may be kept whole: one that nobody can use anyway, for its length,
    /// must not cost those that can.
    private func leavesRoom(_ member: Range<Int>, value: Range<Int>) -> Bool {
        value.count <= TokenSet.tokenBytesMax + 2
            || settled + member.count <= Self.blockBytesMax - Self.roomBytes
    }

    /// The block is full, and what comes next is a member of ours that has not ended: its name
    /// stays, so that it is there for whoever reads the rest, and its value is passed over. False
    /// where something else comes next.
    mutating func passOverlong() -> Bool {
        guard case .member(let isFirst) = place else { return false }
        do throws(VaultError) {
            let offset = JSONText.spaceEnd(secret.bytes, from: settled)
            guard offset < secret.count,
                let start = try nameStart(from: offset, isFirst: isFirst)
            else { return false }
            var (hasEscapes, skip) = (false, JSONSkip())
            guard
                let nameEnd = JSONText.closingQuote(
                    secret.bytes, from: start + 1, hasEscapes: &hasEscapes),
                let value = try valueStart(behind: nameEnd),
                try skip.end(in: secret.bytes, from: value) == nil,
                settleName(start..<nameEnd + 1)
            else { return false }
            place = .rest(skip)
            secret.shorten(to: settled)
            return true
        } catch {
            return false
        }
    }

    /// Settles a member of ours by its name alone, with a value that is neither empty nor of any
    /// use: a reply whose token is this is one that cannot be used. False where there is no room.
    private mutating func settleName(_ name: Range<Int>) -> Bool {
        guard settled + 1 + name.count + Self.overlongMark.utf8.count <= secret.count else {
            return false
        }
        settle(name)
        secret.store(Self.overlongMark, at: settled)
        settled += Self.overlongMark.utf8.count
        return true
    }

    private static let overlongMark = ":[0]"

    /// Moves a member behind those that are settled. Before it there was a comma, or the brace.
    private mutating func settle(_ member: Range<Int>) {
        if secret.bytes.byte(at: settled - 1) != UInt8(ascii: "{") {
            secret.store(UInt8(ascii: ","), at: settled)
            settled += 1
        }
        secret.move(member, to: settled)
        settled += member.count
    }
}
