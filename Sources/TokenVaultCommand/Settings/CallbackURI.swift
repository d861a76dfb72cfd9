// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The redirect URI of an application, and those that it could have.
struct CallbackURI: Sendable {
    let application: String
    /// As it is registered.
    let text: String
    /// Whether the provider says in its answer who it is (RFC 9207).
    let sendsIssuer: Bool

    init(_ form: ApplicationForm) {
        self.init(
            application: form.id, text: form.redirectURI,
            sendsIssuer: form.provider.provider.sendsIssuer)
    }

    init(application: String, text: String, sendsIssuer: Bool) {
        (self.application, self.text, self.sendsIssuer) = (application, text, sendsIssuer)
    }

    /// That of the application alone.
    func own(at origin: String) -> String {
        "\(origin)/callback/\(application)"
    }

    /// The one that all applications of a host share.
    static func plain(at origin: String) -> String { "\(origin)/callback" }

    func isOwn(at origin: String) -> Bool { Self.isSame(own(at: origin), text) }

    func isPlain(at origin: String) -> Bool { Self.isSame(Self.plain(at: origin), text) }

    /// Byte by byte: strings are equal already where they are canonically equivalent.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }
}
