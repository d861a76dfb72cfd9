// SPDX-License-Identifier: Apache-2.0

/// Where the members of a line lie, and what each of them says: strict about all of them.
struct LineValues: ~Copyable, ~Escapable {
    private let scanner: JSONScanner
    /// Where each member's value is, by its place among all of them.
    private let values: [JSONScanner.Value?]

    /// Looks at a whole line.
    @_lifetime(copy line)
    init(_ line: RawSpan) throws(LineFault) {
        guard line.byteCount <= PortableConnection.lineBytesMax else {
            throw LineFault(nil, .tooLong, limit: PortableConnection.lineBytesMax)
        }
        guard (try? UTF8Span(validating: Span<UInt8>(_bytes: line))) != nil else {
            throw LineFault(nil, .notUTF8)
        }
        guard let end = JSONScanner.objectLength(line) else { throw LineFault(nil, .notAnObject) }
        guard JSONText.spaceEnd(line, from: end) == line.byteCount else {
            throw LineFault(nil, .trailingText)
        }
        let found = try Self.values(line)
        scanner = try Self.scanner(line)
        values = found
    }

    private static func values(_ line: RawSpan) throws(LineFault) -> [JSONScanner.Value?] {
        var values = [JSONScanner.Value?](repeating: nil, count: LineMember.allCases.count)
        var walk = try scanner(line)
        while let member = try next(&walk) {
            guard let known = LineMember(walk.written(member.name)) else {
                throw LineFault(shown(walk.publicText(member.name)), .unknownMember)
            }
            let index = Self.index(known)
            guard values[index] == nil else { throw LineFault(known, .twice) }
            values[index] = member.value
        }
        // What is null is not there, as databases write it.
        return values.map { $0?.kind == .null ? nil : $0 }
    }

    @_lifetime(copy bytes)
    private static func scanner(_ bytes: RawSpan) throws(LineFault) -> JSONScanner {
        do throws(VaultError) {
            return try JSONScanner(bytes)
        } catch {
            throw LineFault(nil, .notAnObject)
        }
    }

    private static func next(
        _ scanner: inout JSONScanner
    ) throws(LineFault) -> JSONScanner.Member? {
        do throws(VaultError) {
            return try scanner.next()
        } catch {
            throw LineFault(nil, .notAnObject)
        }
    }

    private static func index(_ member: LineMember) -> Int {
        LineMember.allCases.firstIndex(of: member) ?? 0
    }

    /// A name that can be no token: else it is not shown.
    private static func shown(_ name: String?) -> String? {
        guard let name, (1...nameBytesMax).contains(name.utf8.count),
            name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || $0 | 0x20 &- 0x61 < 26 })
        else { return nil }
        return name
    }

    /// The longest unknown name that is shown.
    private static let nameBytesMax = 32

    private func value(_ member: LineMember) -> JSONScanner.Value? { values[Self.index(member)] }

    /// Whether a member is there.
    func has(_ member: LineMember) -> Bool { value(member) != nil }

    /// A text that is no secret; nil where it is not there.
    func text(_ member: LineMember) throws(LineFault) -> String? {
        guard let value = value(member) else { return nil }
        guard value.kind == .string else { throw LineFault(member, .wrongType) }
        guard let text = scanner.publicText(value) else {
            throw LineFault(member, .wrongCharacter)
        }
        guard !text.isEmpty else { throw LineFault(member, .empty) }
        return text
    }

    /// A secret of printable ASCII in a block of its own; nil where it is not there.
    func secret(
        _ member: LineMember, byteCountMax: Int
    ) throws -> Secret? {
        guard let value = value(member) else { return nil }
        guard value.kind == .string else { throw LineFault(member, .wrongType) }
        guard let byteCount = scanner.visibleByteCount(value) else {
            throw LineFault(member, .wrongCharacter)
        }
        guard byteCount > 0 else { throw LineFault(member, .empty) }
        guard byteCount <= byteCountMax else {
            throw LineFault(member, .tooLong, limit: byteCountMax)
        }
        guard value.hasEscapes else { return try Secret(copying: scanner.written(value)) }
        var secret = try Secret(zeroes: byteCount)
        var text = JSONText.Unescaped(scanner.written(value))
        var offset = 0
        while let byte = text.next(), offset < byteCount {
            secret.store(byte, at: offset)
            offset += 1
        }
        return secret
    }

    /// A whole number within a range; nil where it is not there.
    func number(
        _ member: LineMember, _ range: ClosedRange<Int64>
    ) throws(LineFault) -> Int64? {
        guard let value = value(member) else { return nil }
        guard value.kind == .number, let number = scanner.wholeNumber(value) else {
            throw LineFault(member, .wrongType)
        }
        guard range.contains(number) else { throw LineFault(member, .outOfRange) }
        return number
    }

    /// A moment: RFC 3339, or seconds since 1970; nil where it is not there.
    func time(_ member: LineMember) throws(LineFault) -> UnixTime? {
        guard let value = value(member) else { return nil }
        guard value.kind == .string || value.kind == .number else {
            throw LineFault(member, .wrongType)
        }
        let written = scanner.written(value)
        if value.kind == .string, let time = InternetTime.parse(written) { return time }
        guard let seconds = scanner.wholeNumber(value) else { throw LineFault(member, .notATime) }
        guard seconds >= 1 else { throw LineFault(member, .outOfRange) }
        guard seconds <= Self.secondsMax else {
            throw LineFault(
                member, seconds / 1000 <= Self.secondsMax ? .milliseconds : .outOfRange)
        }
        return UnixTime(seconds: seconds).adding(milliseconds: Self.milliseconds(written))
    }

    /// The end of the year 9999.
    private static let secondsMax: Int64 = 253_402_300_799

    /// The first three digits behind the point of a number without an exponent.
    private static func milliseconds(_ number: RawSpan) -> Int64 {
        var (milliseconds, unit, isBehind) = (Int64(0), Int64(100), false)
        for index in 0..<number.byteCount {
            let digit = number.byte(at: index) &- UInt8(ascii: "0")
            if digit < 10 {
                guard isBehind else { continue }
                milliseconds += Int64(digit) * unit
                unit /= 10
            } else if number.byte(at: index) == UInt8(ascii: ".") {
                isBehind = true
            } else {
                return 0
            }
        }
        return milliseconds
    }

    /// An object of names and texts; nil where it is not there.
    func pairs(_ member: LineMember, countMax: Int) throws(LineFault) -> [String: String]? {
        guard let value = value(member) else { return nil }
        guard value.kind == .object else { throw LineFault(member, .wrongType) }
        var pairs: [String: String] = [:]
        var walk = try Self.scanner(scanner.written(value))
        while let part = try Self.next(&walk) {
            guard part.value.kind == .string, let text = walk.publicText(part.value) else {
                throw LineFault(member, .wrongType)
            }
            guard let name = walk.publicText(part.name) else {
                throw LineFault(member, .wrongCharacter)
            }
            guard pairs.updateValue(text, forKey: name) == nil else {
                throw LineFault(member, .twice)
            }
            guard pairs.count <= countMax else {
                throw LineFault(member, .tooMany, limit: countMax)
            }
        }
        return pairs
    }

    /// A list of names; nil where it is not there.
    func names(_ member: LineMember, countMax: Int) throws(LineFault) -> Set<String>? {
        guard let value = value(member) else { return nil }
        guard value.kind == .array else { throw LineFault(member, .wrongType) }
        var names: Set<String> = []
        var walk = try Self.scanner(scanner.written(value))
        while let part = try Self.nextElement(&walk) {
            guard part.kind == .string, let text = walk.publicText(part) else {
                throw LineFault(member, .wrongType)
            }
            guard names.insert(text).inserted else { throw LineFault(member, .twice) }
            guard names.count <= countMax else {
                throw LineFault(member, .tooMany, limit: countMax)
            }
        }
        return names
    }

    private static func nextElement(
        _ scanner: inout JSONScanner
    ) throws(LineFault) -> JSONScanner.Value? {
        do throws(VaultError) {
            return try scanner.nextElement()
        } catch {
            throw LineFault(nil, .notAnObject)
        }
    }
}
