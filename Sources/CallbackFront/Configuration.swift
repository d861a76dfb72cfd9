// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Logging
public import TokenVault

extension CallbackFront {
    /// Where the front listens, where it is reached, where it may send browsers, and what its pages
    /// show.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 8080
        /// Where browsers reach the front, if that is one host: the same as one custom domain in
        /// `hosts`.
        public var publicBaseURL: String?
        /// Where callbacks are served: regions and custom domains. What a request says of its host
        /// is only compared with them; any other host gets 421, and learns nothing. Where there are
        /// none, and no `publicBaseURL`, it is loopback (`127.0.0.1`, `localhost` and `[::1]`) with
        /// the port listened on, and `host` has to be one of these.
        public var hosts: [CallbackHost] = []
        /// Applications whose redirect URI may be the plain `/callback` though their provider does
        /// not say who answers (RFC 9207, `Provider.sendsIssuer`). A provider of another
        /// application at the same plain callback can then have its users' codes sent here as if
        /// they were this provider's (mix-up, RFC 9700 section 4.4): a warning is logged for each.
        public var plainCallbackApplications: Set<ApplicationID> = []
        /// Where a completed flow may be sent, each compared byte by byte: absolute URLs, `https`
        /// but on loopback, without query and fragment.
        public var successRedirects: Set<String> = []
        /// Where a failed flow may be sent; the same form.
        public var failureRedirects: Set<String> = []
        /// The platform's own page to which a flow that awaits confirmation leads the browser, with
        /// `?flow=ID`, before its code is exchanged: there the platform's session tells whose
        /// browser it is, and the platform has 60 seconds for `Vault.confirm`. The same form.
        public var confirmationURL: String?
        /// Gives the cookie a plain name and leaves out `Secure`: for development on loopback with
        /// a browser that refuses `__Host-` cookies over plain HTTP, and for nothing else. Chromium
        /// and curl accept them on loopback.
        public var allowsPlainHTTPCookies = false
        /// Asked before a link's page is shown, and again before the link is used up: whether this
        /// browser belongs to the user the link was made for, by the platform's own session
        /// cookie, say. A link that is sent to somebody else could otherwise lead that person to
        /// connect their account to the sender's connection. Where it says no, the link stays
        /// unused. Nil lets whoever has a link open it.
        ///
        /// A cookie that is bound to one host, as one named `__Host-` is, reaches only a front at
        /// that host: mount it there (`addRoutes`). Where the front has host names of its own,
        /// have links await confirmation instead: the session is then asked at `confirmationURL`,
        /// at the platform's own host.
        public var recognizes: (@Sendable (Visitor) async -> Bool)?
        /// Called when a flow has ended, before its browser is sent on: the browser waits for it.
        /// Never called for a callback that belongs to no flow of its browser, and not for a flow
        /// that awaits confirmation unless it fails before: whoever confirms is told then.
        public var onFlowEnded: @Sendable (FlowOutcome) async -> Void = { _ in }
        /// Called with the port once the front listens.
        public var onServerRunning: @Sendable (Int) async -> Void = { _ in }
        /// Gets a line for each kind of request, which is method, pattern of the path and status,
        /// nothing else, and for each reason for which flows failed; and once a minute how many
        /// more there were. Where the front is mounted, and `run()` is not called, the next line of
        /// the kind says that instead; `requestCounts` has them all at any time.
        public var logger = Logger(label: "callback-front")
        /// What the platform is called, on every page; 1 to 64 bytes. Nil shows no name.
        public var name: String?
        /// What stands beside the name.
        public var logo: Logo?
        /// A link on every page, back to the platform.
        public var wayBack: WayBack?

        /// The defaults: loopback, port 8080, no redirects.
        public init() {}
    }

    /// A browser that opens a link.
    public struct Visitor: Sendable {
        /// The connection that the link is for.
        public let connection: ConnectionID
        /// The application that it will be connected through.
        public let application: ApplicationID
        /// What the browser sent, the platform's cookies among it. Not to be kept or logged.
        public let headers: HTTPFields
    }

    /// A picture that the front serves itself: no page loads anything from elsewhere.
    public struct Logo: Sendable {
        /// The most bytes.
        public static let bytesMax = 256 * 1024
        /// The types that are served.
        public static let types: Set = ["image/png", "image/jpeg", "image/webp", "image/svg+xml"]

        /// The file's bytes; at most 256 KiB.
        public let bytes: [UInt8]
        /// One of `types`.
        public let type: String

        /// A picture; shown 40 pixels high.
        public init(bytes: [UInt8], type: String) { (self.bytes, self.type) = (bytes, type) }
    }

    /// Where a page's link leads.
    public struct WayBack: Sendable {
        /// What it says, such as `Back to Acme`; 1 to 64 bytes.
        public let label: String
        /// An absolute URL, `https` but on loopback.
        public let url: String

        /// A link.
        public init(label: String, url: String) { (self.label, self.url) = (label, url) }
    }
}

extension CallbackFront.Configuration {
    /// The longest name, and the longest label of the way back, in bytes.
    static let nameBytesMax = 64

    /// Loopback, the address that is listened on first.
    func loopbackHosts(port: Int) throws(CallbackFrontError) -> HostList {
        let names = ["127.0.0.1", "localhost", "::1"]
        let inOrder = [host] + names.filter { $0 != host }
        return try HostList(
            inOrder.map { .custom("http://\($0.contains(":") ? "[\($0)]" : $0):\(port)") })
    }

    /// Refuses what could not be served safely.
    ///
    /// - Returns: the hosts that are named; nil where none is, and it is loopback.
    @discardableResult
    func validate() throws(CallbackFrontError) -> HostList? {
        let all = (publicBaseURL.map { [CallbackHost.custom($0)] } ?? []) + hosts
        let named = all.isEmpty ? nil : try HostList(all)
        if named == nil {
            guard ["127.0.0.1", "::1", "localhost"].contains(host) else {
                throw CallbackFrontError(.baseURLRefused)
            }
        }
        // What is plain HTTP here is loopback: `isAllowed` has seen to it.
        guard !allowsPlainHTTPCookies || !(named?.hasHTTPS ?? false) else {
            throw CallbackFrontError(.plainCookiesRefused)
        }
        // A flow's own parameters are to be all there is, so that none can be given twice.
        guard successRedirects.union(failureRedirects).allSatisfy(Self.isAllowedWithQuery) else {
            throw CallbackFrontError(.redirectRefused)
        }
        guard confirmationURL.map(Self.isAllowedWithQuery) ?? true else {
            throw CallbackFrontError(.confirmationURLRefused)
        }
        guard (0...65_535).contains(port) else { throw CallbackFrontError(.portRefused) }
        guard name.map(Self.isShown) ?? true, wayBack.map({ Self.isShown($0.label) }) ?? true,
            wayBack.map({ Self.isAllowed($0.url) }) ?? true,
            logo.map({ logo in
                CallbackFront.Logo.types.contains(logo.type)
                    && (1...CallbackFront.Logo.bytesMax).contains(logo.bytes.count)
            }) ?? true
        else { throw CallbackFrontError(.pagesRefused) }
        return named
    }

    private static func isShown(_ text: String) -> Bool {
        (1...nameBytesMax).contains(text.utf8.count)
            && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
    }

    /// Whether a query of ours may follow.
    private static func isAllowedWithQuery(_ url: String) -> Bool {
        isAllowed(url) && !url.contains("?")
    }

    /// Absolute, printable ASCII, no user information, no fragment, `https` but on loopback.
    static func isAllowed(_ url: String) -> Bool {
        do throws(VaultError) {
            try AddressGuard(allowsLoopback: true, allowedNetworks: AddressPrefix.everyPrivate)
                .check(url)
        } catch {
            return false
        }
        // The guard takes schemes in either case; what is compared here as text is not.
        return url.hasPrefix("https://") || url.hasPrefix("http://")
    }
}
