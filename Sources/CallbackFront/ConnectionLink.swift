// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TokenVault

/// What a link stands for until it is opened.
struct ConnectionLink: Sendable {
    let connection: ConnectionID
    let application: ApplicationID
    let scopes: [String]?
    let userScopes: [String]?
    let end: FlowEnd
}

/// Where a flow goes when it ends; nil stands for a page of our own.
struct FlowEnd: Sendable {
    let success: String?
    let failure: String?

    var isDefault: Bool { success == nil && failure == nil }
}

/// Which flow: a browser that merely learnt a state does not find where the flow goes.
struct FlowKey: Hashable, Sendable {
    let state: Fingerprint
    let browser: Fingerprint
    let application: ApplicationID
}

extension CallbackFront {
    /// Makes a link that starts the flow of a connection in the browser that opens it. It works
    /// once, for ten minutes, in this process; it holds 256 random bits and no secret. Give it to
    /// the user whose connection it is, and to nobody else: see `Configuration.recognizes`.
    ///
    /// - Parameters:
    ///   - scopes: instead of the application's default scopes; at most 64, and 4,096 bytes.
    ///   - userScopes: instead of the application's user scopes; as `scopes`.
    ///   - success: where to send the browser of a completed flow, instead of our own page; exactly
    ///     one of the configured `successRedirects`.
    ///   - failure: where to send it otherwise; exactly one of `failureRedirects`. A callback that
    ///     does not belong to the flow never gets there.
    ///   - parameters: the query of both.
    /// - Returns: an absolute URL.
    /// - Throws: `redirectNotAllowed`, `parameterRefused`, `tooManyLinks`, `notRunning`,
    ///   `vaultFailed`.
    public func link(
        for connection: ConnectionID, application: ApplicationID, scopes: [String]? = nil,
        userScopes: [String]? = nil, success: String? = nil, failure: String? = nil,
        parameters: RedirectParameters? = nil
    ) throws(CallbackFrontError) -> String {
        let base = try baseURL()
        guard Self.fits(scopes), Self.fits(userScopes) else {
            throw CallbackFrontError(.parameterRefused)
        }
        do throws(VaultError) {
            try parameters?.check()
        } catch {
            throw CallbackFrontError(.parameterRefused)
        }
        let query = parameters.map { "?" + $0.query } ?? ""
        let end = FlowEnd(
            success: try Self.allowed(success, configuration.successRedirects, query),
            failure: try Self.allowed(failure, configuration.failureRedirects, query))
        let link = ConnectionLink(
            connection: connection, application: application, scopes: scopes,
            userScopes: userScopes, end: end)
        let token: String
        let fingerprint: Fingerprint
        do throws(VaultError) {
            let random = try Secret(random: BrowserCookie.randomBytes)
            token = TextEncoding.base64URLText(random.bytes)
            fingerprint = try Fingerprint(text: token)
        } catch {
            throw CallbackFrontError(.vaultFailed)
        }
        let fits = links.withLock { $0.insert(link, for: fingerprint, now: .now) }
        guard fits else { throw CallbackFrontError(.tooManyLinks) }
        return "\(base)/connect/\(token)"
    }

    /// The longest scopes of a link, in bytes, all of them together.
    static let scopeBytesMax = 4096

    private static func fits(_ scopes: [String]?) -> Bool {
        guard let scopes else { return true }
        return scopes.count <= Application.scopesMax
            && scopes.reduce(0) { $0 + $1.utf8.count } <= scopeBytesMax
    }

    private static func allowed(
        _ url: String?, _ list: Set<String>, _ query: String
    ) throws(CallbackFrontError) -> String? {
        guard let url else { return nil }
        // Strings are equal where they are canonically equivalent, a Kelvin sign to a K: only
        // ASCII is compared byte by byte.
        guard url.utf8.allSatisfy({ $0 < 0x80 }), list.contains(url) else {
            throw CallbackFrontError(.redirectNotAllowed)
        }
        return url + query
    }
}

extension Fingerprint {
    /// The fingerprint of text that came from a URL.
    init(text: String) throws(VaultError) {
        let span = text.utf8Span.span
        try unsafe self.init(span.bytes)
    }
}
