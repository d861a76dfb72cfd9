// SPDX-License-Identifier: Apache-2.0

public import TokenVault

extension CallbackFront {
    /// A connection link.
    public struct Link: Sendable {
        /// The absolute URL to give to the user whose connection it is, and to nobody else: see
        /// `Configuration.recognizes`. It is at the host of the application's callback, since the
        /// cookie that binds the browser stays with one host.
        public let url: String
        /// What the flow is called that it starts.
        public let flow: FlowID
        /// When it expires, unless it is used up before.
        public let expires: UnixTime
    }

    /// Makes a link that starts the flow of a connection in the browser that opens it and presses
    /// its button. It works once, for ten minutes, across restarts; it holds 256 random bits and no
    /// secret, and establishes no session.
    ///
    /// - Parameters:
    ///   - connection: the connection's id.
    ///   - application: the one on whose behalf the tokens are asked for.
    ///   - scopes: instead of the application's default scopes.
    ///   - userScopes: instead of the application's user scopes.
    ///   - settings: what is the connection's own: see `Vault.link`.
    ///   - redirects: where the connection's flows end, from now on; nil for those that it has. Its
    ///     URLs are on the configured lists, character by character. A callback that does not
    ///     belong to the flow never gets there.
    ///   - awaitsConfirmation: whether the code is exchanged only once the platform has said whose
    ///     browser brought it: see `Configuration.confirmationURL`.
    /// - Throws: `callbackNotServed`, `plainCallbackRefused`, `redirectNotAllowed`,
    ///   `confirmationURLMissing`, `notRunning`; `vaultFailed` with the vault's own error, such as
    ///   `applicationNotFound`, `invalidArgument`, `limitExceeded`, `disconnecting`.
    public func link(
        for connection: ConnectionID, application: ApplicationID, scopes: [String]? = nil,
        userScopes: [String]? = nil,
        settings: borrowing ConnectionSettings = ConnectionSettings(),
        redirects: Redirects? = nil, awaitsConfirmation: Bool = false
    ) async throws(CallbackFrontError) -> Link {
        let entry = try entry(of: application)
        guard isAllowed(redirects?.success, in: configuration.successRedirects),
            isAllowed(redirects?.failure, in: configuration.failureRedirects)
        else { throw CallbackFrontError(.redirectNotAllowed) }
        guard !awaitsConfirmation || configuration.confirmationURL != nil else {
            throw CallbackFrontError(.confirmationURLMissing)
        }
        do throws(VaultError) {
            let link = try await vault.link(
                connection, application: application, scopes: scopes, userScopes: userScopes,
                settings: settings, redirects: redirects, awaitsConfirmation: awaitsConfirmation)
            return Link(
                url: entry.base + "/connect/" + link.token, flow: link.flow, expires: link.expires)
        } catch {
            throw CallbackFrontError(error)
        }
    }

    /// What comes before `/connect/` in the links of an application; nil where it has none here.
    package func linkBase(of application: ApplicationID) -> String? {
        try? entry(of: application).base
    }

    /// Whether a flow may be told to end there.
    package func allowsRedirect(_ url: String, isOfSuccess: Bool) -> Bool {
        isAllowed(
            url,
            in: isOfSuccess ? configuration.successRedirects : configuration.failureRedirects)
    }

    /// The host of an application's links, which is that of its callback.
    private func entry(
        of application: ApplicationID
    ) throws(CallbackFrontError) -> HostList.Entry {
        guard let hosts else { throw CallbackFrontError(.notRunning) }
        let found: Vault.ApplicationSummary
        do throws(VaultError) {
            found = try vault.application(application)
        } catch {
            throw CallbackFrontError(error)
        }
        guard let place = hosts.place(of: found.redirectURI, application) else {
            throw CallbackFrontError(.callbackNotServed)
        }
        guard
            !place.isPlain
                || servesPlainCallback(application, sendsIssuer: found.provider.sendsIssuer)
        else { throw CallbackFrontError(.plainCallbackRefused) }
        return place.entry
    }

    /// Whether the plain `/callback` may end an application's flows.
    func servesPlainCallback(_ application: ApplicationID, sendsIssuer: Bool) -> Bool {
        sendsIssuer || configuration.plainCallbackApplications.contains(application)
    }

    /// Whether a browser may be sent there. Asked when a link is made, and again when its flow has
    /// ended: the list may be another one by then.
    func isAllowed(_ url: String?, in list: Set<String>) -> Bool {
        guard let url else { return true }
        // Strings are equal where they are canonically equivalent, a Kelvin sign to a K: only
        // ASCII is compared byte by byte.
        return url.utf8.allSatisfy { $0 < 0x80 } && list.contains(url)
    }
}
