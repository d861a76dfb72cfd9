// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The hosts that are served. What a request says of its host is compared with this list, and
/// nothing is ever built of it (RFC 9700 section 4.13 of `Host`, `X-Forwarded-Host` and kin).
struct HostList: Sendable {
    /// A host that is served.
    struct Entry: Sendable {
        /// Scheme, host and, where there is one, port, as they are configured: redirect URIs are
        /// compared with that text.
        let origin: String
        /// The path at which the front is mounted; empty for the root.
        let path: String

        var base: String { origin + path }
        var isHTTPS: Bool { origin.hasPrefix("https:") }

        /// What a browser sends as `Origin`: in small letters, without the port that the scheme has
        /// anyway (RFC 6454 section 6.2).
        var browserOrigin: String {
            (isHTTPS ? "https://" : "http://") + (authorityWithoutDefaultPort ?? authority)
        }

        fileprivate var authority: String {
            origin.drop { $0 != "/" }.dropFirst(2).lowercased()
        }
        fileprivate var defaultPort: String { isHTTPS ? ":443" : ":80" }
        /// Nil where it does not name that port.
        fileprivate var authorityWithoutDefaultPort: String? {
            authority.hasSuffix(defaultPort)
                ? String(authority.dropLast(defaultPort.count)) : nil
        }
    }

    /// How an application's callback is served.
    struct Place: Sendable {
        let entry: Entry
        /// Whether it is the plain `/callback`, which many applications share.
        let isPlain: Bool
    }

    /// By what a `Host` header says, in small letters.
    private let entries: [String: Entry]
    private let inOrder: [Entry]
    /// The path at which the front is mounted at all of them.
    let path: String

    /// - Throws: `baseURLRefused` where a host is not of the form that `CallbackHost` has, two have
    ///   the same name and port, or they have different paths.
    init(_ hosts: [CallbackHost]) throws(CallbackFrontError) {
        var entries: [String: Entry] = [:]
        var inOrder: [Entry] = []
        for host in hosts {
            let entry = try Self.entry(host.baseURL)
            let authority = entry.authority
            let port = entry.defaultPort
            let short = entry.authorityWithoutDefaultPort
            guard entries[short ?? authority] == nil,
                entry.path == inOrder.first?.path ?? entry.path
            else { throw CallbackFrontError(.baseURLRefused) }
            entries[short ?? authority] = entry
            if short != nil || !Self.hasPort(authority) {
                entries[(short ?? authority) + port] = entry
            }
            inOrder.append(entry)
        }
        (self.entries, self.inOrder, path) = (entries, inOrder, inOrder.first?.path ?? "")
    }

    private static func entry(_ base: String) throws(CallbackFrontError) -> Entry {
        guard CallbackFront.Configuration.isAllowed(base) else {
            throw CallbackFrontError(.baseURLRefused)
        }
        let scheme = base.hasPrefix("https:") ? "https://" : "http://"
        let rest = base.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard path.isEmpty || path.first == "/",
            segments.allSatisfy({ segment in
                !segment.isEmpty && segment != "." && segment != ".."
                    && segment.utf8.allSatisfy(TextEncoding.isUnreserved)
            })
        else { throw CallbackFrontError(.baseURLRefused) }
        return Entry(origin: scheme + authority, path: String(path))
    }

    /// Whether a port is named; the colons of an IPv6 address are in brackets.
    private static func hasPort(_ authority: String) -> Bool {
        authority.reversed().prefix { $0 != "]" }.contains(":")
    }

    /// Whether one of them is reached by `https`.
    var hasHTTPS: Bool { inOrder.contains(where: \.isHTTPS) }

    /// The one that a `Host` header names.
    func entry(named authority: String) -> Entry? { entries[authority.lowercased()] }

    /// Where an application's redirect URI is served; nil where it is not.
    func place(of redirectURI: String, _ application: ApplicationID) -> Place? {
        for entry in inOrder {
            let plain = entry.base + "/callback"
            if Self.isSame(redirectURI, plain) { return Place(entry: entry, isPlain: true) }
            if Self.isSame(redirectURI, plain + "/\(application)") {
                return Place(entry: entry, isPlain: false)
            }
        }
        return nil
    }

    /// Byte by byte: strings are equal where they are canonically equivalent.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }
}
