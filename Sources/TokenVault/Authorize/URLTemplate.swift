// SPDX-License-Identifier: Apache-2.0

/// A URL of a provider's definition in which names in braces stand for values, such as
/// `https://{shop}.myshopify.com/admin/oauth/access_token`.
///
/// What a value may be follows from where its name stands, so that no value leads anywhere else
/// than the template does: at the very front it is an origin, in the host part of a host name, and
/// behind the host it is percent-encoded. The address guard checks the result as any other URL.
package struct URLTemplate: Sendable {
    /// Where a name stands.
    enum Place: Equatable {
        /// In front of all: scheme, host and perhaps a port, `https://accounts.example.eu`.
        case origin
        /// In the host.
        ///
        /// - isEnd: whether the host ends with it, so that the value decides whose host it is.
        /// - isWhole: whether it stands between dots, slashes and ends, and so is one or more whole
        ///   labels.
        case host(isEnd: Bool, isWhole: Bool)
        /// In the path, or in the value of a parameter of the query.
        case rest
    }

    struct Placeholder {
        /// The text in front of it.
        let before: String
        let name: String
        let place: Place

        /// What follows it; nil at the end.
        let next: Character?

        /// Whether nothing else is between `https://` and the path: then it may have a port.
        var isWholeAuthority: Bool {
            place == .host(isEnd: true, isWhole: true) && before.hasSuffix("://") && next != ":"
        }
    }

    let placeholders: [Placeholder]
    private let end: String

    /// The longest name, in bytes.
    static let nameBytesMax = 32
    /// The longest host name, in bytes (RFC 1035 section 2.3.4), without a final dot.
    static let hostBytesMax = 253
    /// The longest value, in bytes.
    package static let valueBytesMax = 255

    /// Whether a text is no plain URL.
    package static func isTemplate(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
    }

    /// Whether a name may stand in braces: small letters, digits and `_`, a letter first.
    static func isName(_ text: String) -> Bool {
        func isSmall(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        }
        guard let first = text.utf8.first, isSmall(first) else { return false }
        return text.utf8.count <= nameBytesMax
            && text.utf8.allSatisfy { byte in
                isSmall(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }

    /// - Throws: what cannot be meant.
    package init(_ text: String) throws(TemplateFault) {
        var placeholders: [Placeholder] = []
        var rest = text[...]
        var passed = ""
        while let open = rest.firstIndex(of: "{") {
            let before = String(rest[..<open])
            guard !before.hasSuffix("$") else {
                throw TemplateFault("${", "a name in braces, without $ in front of it")
            }
            guard !before.contains("}"), let close = rest[open...].firstIndex(of: "}") else {
                throw TemplateFault(text, "a URL in which each { has its }")
            }
            let name = String(rest[rest.index(after: open)..<close])
            guard Self.isName(name) else {
                throw TemplateFault(
                    "{\(name)}", "a name in braces: small letters, digits and _, a letter first")
            }
            rest = rest[rest.index(after: close)...]
            passed += before
            let place = try Self.place(of: name, after: passed, rest)
            placeholders.append(
                Placeholder(before: before, name: name, place: place, next: rest.first))
            // It stands for something that is neither empty nor a separator.
            passed += "x"
            if place == .origin { passed = "https://x" }
        }
        guard !rest.contains("}") else {
            throw TemplateFault(text, "a URL in which each { has its }")
        }
        (self.placeholders, end) = (placeholders, String(rest))
    }

    private static func place(
        of name: String, after passed: String, _ rest: Substring
    ) throws(TemplateFault) -> Place {
        if passed.isEmpty {
            guard rest.first.map({ "/?".contains($0) }) ?? true else {
                throw TemplateFault(
                    "{\(name)}", "followed by / or ?: in front of all it is scheme and host")
            }
            return .origin
        }
        guard let scheme = passed.firstRange(of: "://") else {
            throw TemplateFault(
                "{\(name)}", "in the scheme alone: write {\(name)}/..., or https://")
        }
        let authority = passed[scheme.upperBound...]
        if authority.contains("?") {
            let parameter = authority.split(
                omittingEmptySubsequences: false, whereSeparator: { "?&".contains($0) }
            ).last
            guard parameter?.contains("=") ?? false else {
                throw TemplateFault("{\(name)}", "the value of a parameter, behind a =")
            }
            return .rest
        }
        if authority.contains("/") { return .rest }
        guard !authority.contains(where: { ":@[".contains($0) }) else {
            throw TemplateFault("{\(name)}", "in the host or behind it")
        }
        let next = rest.first
        let isEnd = next.map { "/?:".contains($0) } ?? true
        let beginsLabel = authority.isEmpty || authority.last == "."
        return .host(isEnd: isEnd, isWhole: beginsLabel && (isEnd || next == "."))
    }

    /// The URL with values filled in.
    ///
    /// - Parameters:
    ///   - value: the value of a name; nil where there is none.
    ///   - hosts: of a name, the hosts of which the value's must be one, or under one.
    ///   - isLater: of a name, whether it stays in its braces for now.
    /// - Throws: the value that is not there or cannot stand where it should.
    package func filled(
        _ value: (String) -> String?, hosts: (String) -> [String],
        isLater: (String) -> Bool = { _ in false }
    ) throws(TemplateFault) -> String {
        var url = ""
        for placeholder in placeholders {
            if isLater(placeholder.name) {
                url += placeholder.before + "{\(placeholder.name)}"
                continue
            }
            guard let value = value(placeholder.name) else {
                throw TemplateFault(missing: placeholder.name)
            }
            url += placeholder.before
            url += try Self.text(of: value, in: placeholder, hosts(placeholder.name))
        }
        return url + end
    }

    /// What stands for a value where its name does.
    static func text(
        of value: String, in placeholder: Placeholder, _ hosts: [String]
    ) throws(TemplateFault) -> String {
        try check(value, of: placeholder.name)
        switch placeholder.place {
        case .rest: return TextEncoding.percentEncoded(value)
        case .host:
            let isAll = placeholder.isWholeAuthority && hosts.isEmpty
            guard isHost(value) || isAll && hostOf(value) != nil else {
                throw TemplateFault(
                    placeholder.name, value,
                    "part of a host name: letters, digits, dots and hyphens")
            }
            guard hosts.isEmpty || isOneOf(value, hosts) else {
                throw TemplateFault(placeholder.name, value, under(hosts))
            }
            return value
        case .origin:
            guard let host = originHost(value) else {
                throw TemplateFault(placeholder.name, value, "https:// and a host, without a path")
            }
            // A template without them is refused when it is written.
            guard isOneOf(host, hosts) else {
                throw TemplateFault(placeholder.name, value, under(hosts))
            }
            return value
        }
    }

    /// Checks what holds for each value: visible ASCII, not dots alone, which would lead up a path.
    static func check(_ value: String, of name: String) throws(TemplateFault) {
        guard (1...valueBytesMax).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw TemplateFault(
                name, value, "1 to \(valueBytesMax) letters, digits and signs of ASCII, no space")
        }
        guard value.utf8.contains(where: { $0 != UInt8(ascii: ".") }) else {
            throw TemplateFault(name, value, "more than dots")
        }
    }

    private static func under(_ hosts: [String]) -> String {
        hosts.isEmpty
            ? "a host that the definition lists (host_suffixes)"
            : "at " + hosts.map(\.description).joined(separator: ", ") + " or under it"
    }

    private static func isHost(_ value: String) -> Bool {
        let labels = value.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty
                && label.allSatisfy { TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: "~") }
        }
    }

    /// The host of an authority that is a host, and perhaps a port; nil where it is none.
    private static func hostOf(_ authority: some StringProtocol) -> String? {
        let host = String(authority.prefix { $0 != ":" })
        let port = authority.dropFirst(host.count)
        guard isHost(host), port.isEmpty || (UInt16(port.dropFirst()) ?? 0) > 0 else { return nil }
        return host
    }

    /// The host of an origin; nil where it is none. Plain HTTP is for this machine, where the guard
    /// allows it.
    private static func originHost(_ value: String) -> String? {
        let lowered = value.lowercased()
        let isPlain = lowered.hasPrefix("http://")
        guard isPlain || lowered.hasPrefix("https://") else { return nil }
        guard let host = hostOf(lowered.dropFirst(isPlain ? 7 : 8)),
            !isPlain || ["127.0.0.1", "localhost"].contains(host)
        else { return nil }
        return host
    }

    /// Whether a host is one of these or, label by label, under one.
    static func isOneOf(_ host: String, _ hosts: [String]) -> Bool {
        let host = host.lowercased()
        return hosts.contains { suffix in
            let suffix = suffix.lowercased()
            if suffix.hasPrefix(".") { return host.hasSuffix(suffix) && host.count > suffix.count }
            return host == suffix || host.hasSuffix("." + suffix)
        }
    }
}

/// What is wrong with a template or with a value for one.
package struct TemplateFault: Error {
    /// The name whose value it is about; nil where it is the template.
    let name: String?
    /// What it is, in words; nil where there is none.
    let value: String?
    /// What would do.
    let wanted: String

    init(_ template: String, _ wanted: String) {
        (name, value, self.wanted) = (nil, "\"\(template)\"", wanted)
    }

    init(_ name: String, _ value: String, _ wanted: String) {
        (self.name, self.value, self.wanted) = (name, "\"\(value)\"", wanted)
    }

    init(missing name: String) {
        (self.name, value, wanted) = (name, nil, "a value for {\(name)}")
    }
}
