// SPDX-License-Identifier: Apache-2.0

/// What a member of a JSON object says that a program sent us, where it is no secret.
package enum JSONValue: Sendable {
    case null
    case flag(Bool)
    case number(Int64)
    case text(String)
    case list([JSONValue])
    case object([(name: String, value: JSONValue)])
    /// A string that is read by `JSONBody.secret`, and nowhere else.
    case secret
}

/// A JSON object that a program sent us, read as a whole and strictly, where it lies: unlike a
/// provider's answer, which `JSONScanner` reads as leniently as it can.
package enum JSONBody {
    /// What is wrong with one.
    package enum Fault: Error, Hashable, Sendable {
        /// It is no object, or something follows it.
        case notAnObject
        case notUTF8
        /// The value of this member has not the form of one, or is a number that is not whole.
        case malformed(String)
        case twice(String)
        /// It nests deeper than `depthMax`.
        case tooDeep(String)
    }

    /// How deep lists and objects may nest: a provider's definition is the deepest that is sent.
    package static let depthMax = 10

    /// The members of a whole body.
    ///
    /// - Parameter secrets: the paths, such as `client.secret`, of members that are secret: they
    ///   are checked, and not copied.
    package static func members(
        _ body: RawSpan, secrets: Set<String> = []
    ) throws(Fault) -> [(name: String, value: JSONValue)] {
        guard (try? UTF8Span(validating: Span<UInt8>(_bytes: body))) != nil else {
            throw Fault.notUTF8
        }
        guard let end = JSONScanner.objectLength(body),
            JSONText.spaceEnd(body, from: end) == body.byteCount, JSONScanner.markEnd(body) == 0
        else { throw Fault.notAnObject }
        return try object(body, at: "", secrets, depth: 1)
    }

    /// A secret member, its escapes resolved, straight into a block of its own; nil where it is
    /// not there, or is null.
    ///
    /// - Parameter path: such as `client` and `secret`.
    /// - Throws: `tooManySecrets`, `limitExceeded`; `invalidArgument` where it is no string.
    package static func secret(
        _ path: [String], in body: RawSpan
    ) throws(VaultError) -> Secret? {
        guard let name = path.first else { return nil }
        var scanner = try JSONScanner(body)
        while let member = try scanner.next() {
            guard scanner.publicText(member.name) == name else { continue }
            if member.value.kind == .null { return nil }
            if path.count > 1 {
                guard member.value.kind == .object else { return nil }
                return try secret(Array(path.dropFirst()), in: scanner.written(member.value))
            }
            guard member.value.kind == .string else {
                throw VaultError(.invalidArgument, .exchange)
            }
            return try unescaped(scanner.written(member.value))
        }
        return nil
    }

    private static func unescaped(_ written: RawSpan) throws(VaultError) -> Secret {
        var secret = try Secret(capacity: written.byteCount)
        var text = JSONText.Unescaped(written)
        while let byte = text.next() {
            guard secret.append(byte: byte) else { throw VaultError(.limitExceeded, .exchange) }
        }
        guard !text.isBroken else { throw VaultError(.invalidArgument, .exchange) }
        return secret
    }

    private static func object(
        _ bytes: RawSpan, at place: String, _ secrets: Set<String>, depth: Int
    ) throws(Fault) -> [(name: String, value: JSONValue)] {
        guard depth <= depthMax else { throw Fault.tooDeep(place) }
        var scanner = try scanner(bytes, place)
        var members: [(name: String, value: JSONValue)] = []
        var seen: Set<String> = []
        while let member = try next(&scanner, place) {
            guard isText(scanner.written(member.name)),
                let name = scanner.publicText(member.name)
            else { throw Fault.malformed(place) }
            let path = place.isEmpty ? name : "\(place).\(name)"
            guard seen.insert(name).inserted else { throw Fault.twice(path) }
            let written = scanner.written(member.value)
            members.append((name, try value(written, member.value, path, secrets, depth: depth)))
        }
        return members
    }

    private static func list(
        _ bytes: RawSpan, at place: String, depth: Int
    ) throws(Fault) -> [JSONValue] {
        guard depth <= depthMax else { throw Fault.tooDeep(place) }
        var scanner = try scanner(bytes, place)
        var values: [JSONValue] = []
        while let element = try nextElement(&scanner, place) {
            let written = scanner.written(element)
            values.append(try value(written, element, place, [], depth: depth))
        }
        return values
    }

    private static func value(
        _ written: RawSpan, _ value: JSONScanner.Value, _ place: String, _ secrets: Set<String>,
        depth: Int
    ) throws(Fault) -> JSONValue {
        switch value.kind {
        case .null: return .null
        case .true: return .flag(true)
        case .false: return .flag(false)
        case .object: return .object(try object(written, at: place, secrets, depth: depth + 1))
        case .array: return .list(try list(written, at: place, depth: depth + 1))
        case .number:
            guard let number = wholeNumber(written) else { throw Fault.malformed(place) }
            return .number(number)
        case .string:
            guard isText(written) else { throw Fault.malformed(place) }
            if secrets.contains(place) { return .secret }
            guard let text = text(written) else { throw Fault.malformed(place) }
            return .text(text)
        case .other: throw Fault.malformed(place)
        }
    }

    private static func text(_ written: RawSpan) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(written.byteCount)
        var text = JSONText.Unescaped(written)
        while let byte = text.next() { bytes.append(byte) }
        return text.isBroken ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Controls are escaped in a string (RFC 8259 section 7).
    private static func isText(_ written: RawSpan) -> Bool {
        for index in 0..<written.byteCount where written.byte(at: index) < 0x20 { return false }
        return true
    }

    /// A number that is whole, if only by a fraction of zeros, as some programs write all numbers.
    private static func wholeNumber(_ written: RawSpan) -> Int64? {
        guard let text = written.publicText else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts[0].first == "-" ? parts[0].dropFirst() : parts[0]
        guard digits == "0" || digits.first != "0" else { return nil }
        if parts.count > 1 {
            guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0 == UInt8(ascii: "0") }) else {
                return nil
            }
        }
        return Int64(parts[0])
    }

    @_lifetime(copy bytes)
    private static func scanner(
        _ bytes: RawSpan, _ place: String
    ) throws(Fault) -> JSONScanner {
        do throws(VaultError) {
            return try JSONScanner(bytes)
        } catch {
            throw Fault.malformed(place)
        }
    }

    private static func next(
        _ scanner: inout JSONScanner, _ place: String
    ) throws(Fault) -> JSONScanner.Member? {
        do throws(VaultError) {
            return try scanner.next()
        } catch {
            throw Fault.malformed(place)
        }
    }

    private static func nextElement(
        _ scanner: inout JSONScanner, _ place: String
    ) throws(Fault) -> JSONScanner.Value? {
        do throws(VaultError) {
            return try scanner.nextElement()
        } catch {
            throw Fault.malformed(place)
        }
    }
}
