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

    /// Whether a definition may list a code: 1 to 64 bytes of printable ASCII, and none that
    /// RFC 6749 gives another meaning, since a mistake of ours would then end healthy grants. What
    /// is no code but a pattern (`*`) or a status of HTTP (`400`) would never match, or with every
    /// refusal: those belong to `GrantLostAnswers`.
    package static func allows(_ code: String) -> Bool {
        isCode(code) && !isStatus(code)
            && !OAuthError.otherMeanings.contains { $0.code.description == code }
    }

    /// Whether a text has the form of a code: it has a letter or a digit.
    static func isCode(_ text: String) -> Bool {
        (1...Provider.grantLostErrorBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy(JSONText.isVisible)
            && text.utf8.contains { Self.isLetter($0) || Self.isDigit($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether a code is a status of a refusal, as IANA has registered them; other numbers of the
    /// kind are codes of somebody's own.
    private static func isStatus(_ code: String) -> Bool {
        guard let number = Int(code) else { return false }
        return (400...431).contains(number) || number == 451
    }

    /// - Throws: `invalidArgument` where a provider lists one that is not allowed, or too many.
    static func check(_ provider: Provider) throws(VaultError) {
        guard provider.grantLostErrors.count <= Provider.grantLostErrorsMax,
            provider.grantLostErrors.allSatisfy(allows)
        else { throw VaultError(.invalidArgument, .exchange) }
    }

    /// Whether an answer names one of them.
    func occur(in body: borrowing Secret) -> Bool {
        guard !codes.isEmpty else { return false }
        return (try? isNamed(body.bytes)) ?? false
    }

    /// The whole of the answer is walked: half of one that is not JSON says nothing.
    private func isNamed(_ body: RawSpan) throws(VaultError) -> Bool {
        var scanner = try JSONScanner(body)
        var isNamed = false
        while let member = try scanner.next() {
            let isError = scanner.isText(member.name, "error")
            guard isError || scanner.isText(member.name, "status") else { continue }
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
        while let member = try scanner.next() {
            let isCode =
                scanner.isText(member.name, "code")
                || scanner.isText(member.name, "error_subcode")
            guard isCode, member.value.kind == .number,
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

extension OAuthError {
    /// The codes of RFC 6749 sections 4.1.2.1 and 5.2 that say something else than that a grant is
    /// gone.
    fileprivate static let otherMeanings: [OAuthError] = [
        .invalidRequest, .invalidClient, .unauthorizedClient, .unsupportedGrantType, .invalidScope,
        .accessDenied, .unsupportedResponseType, .serverError, .temporarilyUnavailable,
    ]
}
