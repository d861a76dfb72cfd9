// SPDX-License-Identifier: Apache-2.0

/// An issuer identifier (RFC 8414 section 2), and where its documents are.
struct Issuer: Hashable, Sendable {
    /// As it was given.
    let text: String
    /// Scheme, host and port.
    private let origin: Substring
    /// What follows, without a slash at its end.
    private let path: Substring

    /// Where a document is.
    struct Location: Hashable, Sendable {
        let url: String
        /// Whether it is there that OpenID Connect Discovery has it.
        let isOpenID: Bool
        /// Asked only where the one before was not there.
        var isSecondChoice = false
    }

    /// The endings of RFC 8414 section 3 and of OpenID Connect Discovery 1.0 section 4.
    private static let (oauth, openID) = (
        "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    )

    /// - Throws: `issuerMalformed`; `addressRefused` where no request may go there.
    init(_ text: String, _ addressGuard: AddressGuard) throws(DiscoveryError) {
        func refused(_ problem: String, _ remedy: String) -> DiscoveryError {
            DiscoveryError(.issuerMalformed, at: text, problem, remedy: remedy)
        }
        let example = "an issuer is https://, a host and perhaps a path"
        if text.contains("?") || text.contains("#") {
            throw refused(
                "has a query or a fragment, as no issuer has (RFC 8414 section 2)",
                "leave out the ? or #, and what follows")
        }
        if text.contains("{") {
            throw refused(
                "has a name in braces, so it stands for many issuers",
                "write the value of your own, such as the id of your tenant, in its place")
        }
        for ending in [Self.oauth, Self.openID] where text.contains(ending) {
            throw refused(
                "is the address of a document",
                "give the issuer, which is the address without \(ending)")
        }
        if case .refused(let cause) = addressGuard.judge(text) {
            let isMalformed = [.malformedURL, .malformedHost, .userInformation].contains(cause)
            throw DiscoveryError(
                isMalformed || cause == .notHTTPS ? .issuerMalformed : .addressRefused, at: text,
                isMalformed && !text.contains("://") ? "is no URL" : DiscoveryError.words(cause),
                remedy: example)
        }
        guard let scheme = text.firstRange(of: "://") else {
            throw refused("is no URL", example)
        }
        self.text = text
        let rest = text[scheme.upperBound...]
        let pathStart = rest.firstIndex(of: "/") ?? rest.endIndex
        origin = text[..<pathStart]
        let whole = text[pathStart...]
        path = whole.hasSuffix("/") ? whole.dropLast() : whole
        // curl would take them out, and ask elsewhere.
        let segments = path.lowercased().split(separator: "/").map {
            $0.replacing("%2e", with: ".")
        }
        if segments.contains(".") || segments.contains("..") {
            throw refused("has . or .. in its path", "write the path that is meant")
        }
    }

    /// Where its documents are: RFC 8414 section 3.1 puts the ending before the path, OpenID
    /// Connect Discovery section 4.1 behind it; RFC 8414 section 5 knows the first of these for
    /// OpenID, too.
    var locations: [Location] {
        var locations = [
            Location(url: "\(origin)\(Self.oauth)\(path)", isOpenID: false),
            Location(url: "\(origin)\(path)\(Self.openID)", isOpenID: true),
        ]
        if !path.isEmpty {
            locations.append(
                Location(
                    url: "\(origin)\(Self.openID)\(path)", isOpenID: true, isSecondChoice: true))
        }
        return locations
    }

    /// Host and port.
    var authority: Substring {
        origin.firstRange(of: "://").map { origin[$0.upperBound...] } ?? origin
    }

    /// Whether a document says that it is of this issuer: the same string (RFC 8414 section 3.3),
    /// with one concession, a slash at the end of an issuer without a path.
    func isNamed(by published: String) -> Bool {
        published == text || path.isEmpty && Self.bare(published) == Self.bare(text)
    }

    private static func bare(_ text: String) -> Substring {
        text.hasSuffix("/") ? text.dropLast() : text[...]
    }
}
