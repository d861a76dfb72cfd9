// SPDX-License-Identifier: Apache-2.0

/// What an application has registered as its redirect URI, and what it could have, as JSON has it.
struct CallbackForm: Codable, Sendable {
    var application: String
    /// Empty where it has none.
    var redirectURI: String
    /// Whether the front answers it.
    var isServed: Bool
    /// Each exactly as it would be registered: its own at each host, then the plain ones that would
    /// be served.
    var possible: [String]
    var warning: String?

    enum CodingKeys: String, CodingKey {
        case application, possible, warning
        case redirectURI = "redirect_uri"
        case isServed = "served"
    }

    init(_ callback: CallbackURI, _ reach: FrontReach) {
        application = callback.application
        redirectURI = callback.text
        isServed = reach.origin(of: callback) != nil
        possible = reach.origins.map { callback.own(at: $0) }
        if reach.allowsPlain(callback) { possible += reach.origins.map(CallbackURI.plain) }
        warning = Self.warning(of: callback, reach)
    }

    private static func warning(of callback: CallbackURI, _ reach: FrontReach) -> String? {
        guard let origin = reach.origins.first(where: { callback.isPlain(at: $0) }),
            !callback.sendsIssuer
        else { return nil }
        let remedy = "register \(callback.own(at: origin)) instead"
        return reach.allowsPlain(callback)
            ? "the plain /callback is served because plain_callback_applications says so, but its "
                + "provider returns no iss (RFC 9207), so that another provider's answer could be "
                + "taken for its own: \(remedy)"
            : "the plain /callback is not served, since its provider returns no iss (RFC 9207): "
                + "\(remedy), or name the application in plain_callback_applications"
    }

    /// What a person is shown: what it has, then what it could have.
    var rows: [[String]] {
        let registered =
            redirectURI.isEmpty
            ? [application, "none", "it sends nobody to a browser"]
            : [
                application, redirectURI,
                isServed ? "registered, served" : "registered, not served",
            ]
        let others = possible.filter { !$0.utf8.elementsEqual(redirectURI.utf8) }
        return [registered] + others.map { [application, $0, "possible"] }
    }
}
