// SPDX-License-Identifier: Apache-2.0

// One document, read strictly: whoever publishes one that two readers may understand differently is
// told so, and nobody guesses.
extension ServerMetadata {
    /// Reads a document. Members that are `null`, and those that nobody reads here, are passed
    /// over.
    ///
    /// - Parameter url: where it was.
    /// - Throws: `unreadable`, which names the member where it is one.
    init(_ bytes: RawSpan, at url: String) throws(DiscoveryError) {
        try Self.checkWhole(bytes, at: url)
        var names: Set<String> = []
        for (name, finding) in try Self.members(bytes, at: url) {
            guard let name else { throw Self.unreadable(url, nil, "has a name that is no text") }
            guard names.insert(name).inserted else {
                throw Self.unreadable(url, name, "is there twice")
            }
            guard let member = Member(rawValue: name), let finding else { continue }
            switch finding {
            case .nothing: continue
            case .wrong(let problem): throw Self.unreadable(url, name, problem)
            case .value(let value):
                values[member] = value
                sources[member] = [url]
            }
        }
    }

    private enum Finding {
        case value(Value), nothing
        /// What is wrong with it.
        case wrong(String)
    }

    private static func unreadable(
        _ url: String, _ member: String?, _ problem: String
    ) -> DiscoveryError {
        DiscoveryError(
            .unreadable, at: url, member: member, problem,
            remedy: "this is the provider's to mend (RFC 8414 section 3.2); until then write a "
                + "definition (--provider)")
    }

    /// One object, and nothing else.
    private static func checkWhole(_ bytes: RawSpan, at url: String) throws(DiscoveryError) {
        if JSONScanner.markEnd(bytes) > 0 {
            throw unreadable(
                url, nil, "begins with a byte order mark, as no JSON does (RFC 8259 section 8.1)")
        }
        guard bytes.publicText != nil else { throw unreadable(url, nil, "is not UTF-8") }
        guard let end = JSONScanner.objectLength(bytes) else {
            throw unreadable(url, nil, "is cut short, or is not JSON")
        }
        guard JSONText.spaceEnd(bytes, from: end) == bytes.byteCount else {
            throw unreadable(url, nil, "has something behind the JSON object")
        }
        guard depth(of: bytes) <= depthMax else {
            throw unreadable(url, nil, "nests deeper than \(depthMax)")
        }
    }

    /// How deep its brackets nest.
    private static func depth(of bytes: RawSpan) -> Int {
        var (depth, deepest, offset) = (0, 0, 0)
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case UInt8(ascii: "\""):
                var hasEscapes = false
                offset =
                    JSONText.closingQuote(bytes, from: offset + 1, hasEscapes: &hasEscapes)
                    ?? bytes.byteCount
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            offset += 1
        }
        return deepest
    }

    /// The members, each with what it holds where it is read here.
    private static func members(
        _ bytes: RawSpan, at url: String
    ) throws(DiscoveryError) -> [(name: String?, finding: Finding?)] {
        var members: [(name: String?, finding: Finding?)] = []
        do throws(VaultError) {
            var scanner = try JSONScanner(bytes)
            while members.count <= membersMax, let member = try scanner.next() {
                let name = scanner.publicText(member.name)
                let known = name.flatMap(Member.init(rawValue:))
                members.append((name, known.map { finding(member.value, $0, scanner) }))
            }
        } catch {
            throw unreadable(url, nil, "is not JSON")
        }
        guard members.count <= membersMax else {
            throw unreadable(url, nil, "has more than \(membersMax) members")
        }
        return members
    }

    private static func finding(
        _ value: JSONScanner.Value, _ member: Member, _ scanner: borrowing JSONScanner
    ) -> Finding {
        if value.kind == .null { return .nothing }
        switch member.rule {
        case .flag:
            guard value.kind == .true || value.kind == .false else {
                return .wrong("is neither true nor false")
            }
            return .value(.flag(value.kind == .true))
        case .text:
            guard value.kind == .string, let text = scanner.publicText(value),
                Name.isWellFormed(text, byteCountMax: Provider.endpointBytesMax)
            else {
                return .wrong("is no text of 1 to \(Provider.endpointBytesMax) bytes")
            }
            return .value(.text(text))
        case .choice, .shown:
            guard value.kind == .array else { return .wrong("is no list") }
            return list(scanner.written(value))
        }
    }

    private static func list(_ bytes: RawSpan) -> Finding {
        var list: [String] = []
        do throws(VaultError) {
            var scanner = try JSONScanner(bytes)
            while let element = try scanner.nextElement() {
                guard element.kind == .string, let text = scanner.publicText(element),
                    Name.isWellFormed(text, byteCountMax: listTextBytesMax)
                else {
                    return .wrong(
                        "has something in it that is no text of 1 to \(listTextBytesMax) bytes")
                }
                guard list.count < listCountMax else {
                    return .wrong("has more than \(listCountMax) values")
                }
                list.append(text)
            }
        } catch {
            return .wrong("is no list")
        }
        // "Claims with zero elements MUST be omitted" (RFC 8414 section 3.2).
        return list.isEmpty ? .nothing : .value(.list(list))
    }
}
