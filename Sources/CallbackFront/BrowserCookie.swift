// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

/// The random value by which a browser is known again: one for all flows of a browser, renewed with
/// each, so that several flows in one browser do not end each other.
///
/// It is no session: it says that two requests came from one browser, and nothing about whose. The
/// `__Host-` prefix (RFC 6265bis section 4.1.3) keeps other hosts of the domain from planting one.
/// `SameSite=Lax`, because the callback is a navigation that comes from the provider's site.
struct BrowserCookie: Sendable {
    static let randomBytes = 32
    /// Base64url of the random bytes, without padding.
    private static let valueBytes = 43
    private static let maxAgeSeconds = 600

    let name: String
    private let attributes: String

    init(isPlain: Bool) {
        name = isPlain ? "tokenvault-flow" : "__Host-tokenvault-flow"
        attributes =
            "; Path=/; Max-Age=\(Self.maxAgeSeconds)\(isPlain ? "" : "; Secure")"
            + "; HttpOnly; SameSite=Lax"
    }

    /// What the browser shows; nil where it shows nothing of ours, or two different things.
    func binding(in headers: HTTPFields) throws(VaultError) -> Secret? {
        guard let text = text(in: headers) else { return nil }
        return try Self.secret(text)
    }

    /// What the browser shows, or something new, and in `header` what sets it for ten minutes more.
    func renew(
        _ headers: HTTPFields, header: inout String
    ) throws(VaultError) -> Secret? {
        let value: String
        if let shown = text(in: headers) {
            value = shown
        } else {
            let random = try Secret(random: Self.randomBytes)
            value = TextEncoding.base64URLText(random.bytes)
        }
        header = "\(name)=\(value)\(attributes)"
        return try Self.secret(value)
    }

    private func text(in headers: HTTPFields) -> String? {
        var found: String?
        for pair in headers[values: .cookie].joined(separator: ";").split(separator: ";") {
            let pair = pair.drop { $0 == " " }
            guard pair.hasPrefix(name), pair.dropFirst(name.count).first == "=" else { continue }
            let value = String(pair.dropFirst(name.count + 1))
            guard value.utf8.count == Self.valueBytes, value.utf8.allSatisfy(Self.isValueByte),
                found == nil || found == value
            else { return nil }
            found = value
        }
        return found
    }

    private static func secret(_ text: String) throws(VaultError) -> Secret {
        let span = text.utf8Span.span
        return try unsafe Secret(copying: span.bytes)
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
