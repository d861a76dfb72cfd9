// SPDX-License-Identifier: Apache-2.0

/// The error codes, beside `invalid_grant`, by which a provider says that a grant is gone, as its
/// definition lists them.
///
/// They are looked for only where an answer brings no token, so a refresh that works pays nothing
/// for them: in `error` and in `status` where these are strings, as GitHub, Slack and HubSpot write
/// them, and where `error` is an object in its `code` and `error_subcode`, whole numbers that are
/// compared as they are written, as Facebook does. Exactly, byte by byte, escapes resolved.
package struct GrantLostErrors: Sendable {
    private let codes: [String]

    /// `invalid_grant` alone.
    static let none = GrantLostErrors(codes: [])

    private init(codes: [String]) { self.codes = codes }

    /// Those that a provider's definition lists.
    init(_ provider: Provider) { codes = provider.grantLostErrors }

    /// Whether an answer names one of them.
    func occur(in body: borrowing Secret) -> Bool {
        guard !codes.isEmpty else { return false }
        return (try? isNamed(body.bytes)) ?? false
    }

    /// The whole of the answer is walked: half of one that is not JSON says nothing.
    private func isNamed(_ body: RawSpan) throws(VaultError) -> Bool {
        var scanner = try JSONScanner(body)
        var isNamed = false
        var seen = ReplyMember.Set()
        while let member = try scanner.next() {
            let name = ReplyMember(
                scanner.written(member.name), hasEscapes: member.name.hasEscapes)
            guard let name, name == .error || name == .status else { continue }
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
        return isNamed
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
