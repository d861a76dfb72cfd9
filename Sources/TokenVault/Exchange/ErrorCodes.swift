// SPDX-License-Identifier: Apache-2.0

/// Error codes that a provider's definition lists, and whether an answer names one of them.
///
/// They are looked for in `error` and in `status` where these are strings, as GitHub, Slack and
/// HubSpot write them, and where `error` is an object in its `code` and `error_subcode`, whole
/// numbers that are compared as they are written, as Facebook does; where the definition says where
/// the code lies, also there, be it text or number. Exactly, byte by byte, escapes resolved.
struct ErrorCodes: Sendable {
    private let codes: [String]
    /// Where the definition says that a code lies.
    private let paths: [ReplyPath]
    /// Whether `error` is read at the top.
    private let readsError: Bool

    init(_ codes: [String], _ rules: ReplyRules?) {
        self.codes = codes
        paths = rules?.codePaths ?? []
        readsError = rules?.errorPath == nil
    }

    /// Whether an answer names one of them.
    func occur(in body: borrowing Secret) -> Bool {
        guard !codes.isEmpty else { return false }
        return (try? isNamed(body.bytes)) ?? false
    }

    /// Whether it does where the definition says that a code lies.
    func occurOnPaths(in body: RawSpan) throws(VaultError) -> Bool {
        var isNamed = false
        for path in paths {
            try path.find(in: body) { (value, scanner) throws(VaultError) in
                isNamed = try isCode(value, scanner) || isNamed
            }
        }
        return isNamed
    }

    /// The whole of the answer is walked: half of one that is not JSON says nothing.
    private func isNamed(_ body: RawSpan) throws(VaultError) -> Bool {
        var scanner = try JSONScanner(body)
        var isNamed = false
        var seen = ReplyMember.Set()
        while let member = try scanner.next() {
            let name = ReplyMember(
                scanner.written(member.name), hasEscapes: member.name.hasEscapes)
            guard let name, name == .error && readsError || name == .status else { continue }
            guard seen.insert(name) else { throw JSONScanner.unreadable }
            let isError = name == .error
            switch member.value.kind {
            case .string: isNamed = isNamed || contain(member.value, in: scanner)
            case .object where isError:
                let holdsCode = try holdsCode(scanner.written(member.value))
                isNamed = isNamed || holdsCode
            default: break
            }
        }
        let isOnPath = try occurOnPaths(in: body)
        return isNamed || isOnPath
    }

    private func isCode(
        _ value: JSONScanner.Value, _ scanner: borrowing JSONScanner
    ) throws(VaultError) -> Bool {
        switch value.kind {
        case .string, .true, .false: contain(value, in: scanner)
        case .number: Self.isWhole(scanner.written(value)) && contain(value, in: scanner)
        case .object: try holdsCode(scanner.written(value))
        case .array, .null, .other: false
        }
    }

    private func holdsCode(_ error: RawSpan) throws(VaultError) -> Bool {
        var scanner = try JSONScanner(error)
        var isNamed = false
        var (hasCode, hasSubcode) = (false, false)
        while let member = try scanner.next() {
            let isCode = scanner.isText(member.name, "code")
            let isSubcode = scanner.isText(member.name, "error_subcode")
            guard !(isCode && hasCode), !(isSubcode && hasSubcode) else {
                throw JSONScanner.unreadable
            }
            (hasCode, hasSubcode) = (hasCode || isCode, hasSubcode || isSubcode)
            guard isCode || isSubcode, member.value.kind == .number,
                Self.isWhole(scanner.written(member.value))
            else { continue }
            isNamed = contain(member.value, in: scanner) || isNamed
        }
        return isNamed
    }

    private func contain(
        _ value: JSONScanner.Value, in scanner: borrowing JSONScanner
    ) -> Bool {
        for code in codes {
            let text = code.utf8Span.span
            if unsafe scanner.isText(value, text.bytes) { return true }
        }
        return false
    }

    /// Whether a number is written without a fraction and without an exponent.
    private static func isWhole(_ number: RawSpan) -> Bool {
        for offset in 0..<number.byteCount
        where [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")]
            .contains(number.byte(at: offset))
        {
            return false
        }
        return true
    }
}
