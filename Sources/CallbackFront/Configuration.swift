// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Logging
public import TokenVault

extension CallbackFront {
    /// Where the front listens, where it is reached, and where it may send browsers.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 8080
        /// Where browsers reach the front: scheme, host and, where needed, port, with no path. It
        /// has to be `https` but on loopback. Never learnt from a request. Nil stands for the
        /// address listened on, which then has to be loopback.
        public var publicBaseURL: String?
        /// Where a completed flow may be sent, each compared byte by byte: absolute URLs, `https`
        /// but on loopback, without query and fragment.
        public var successRedirects: Set<String> = []
        /// Where a failed flow may be sent; the same form.
        public var failureRedirects: Set<String> = []
        /// Gives the cookie a plain name and leaves out `Secure`: for development on loopback with
        /// a browser that refuses `__Host-` cookies over plain HTTP, and for nothing else. Chromium
        /// and curl accept them on loopback.
        public var allowsPlainHTTPCookies = false
        /// Asked before a link is opened: whether this browser belongs to the user the link was
        /// made for, by the platform's own session cookie, say. A link that is sent to somebody
        /// else could otherwise lead that person to connect their account to the sender's
        /// connection. Where it says no, the link stays unused. Nil lets whoever has a link open
        /// it.
        public var recognizes: (@Sendable (Visitor) async -> Bool)?
        /// Called with the port once the front listens.
        public var onServerRunning: @Sendable (Int) async -> Void = { _ in }
        /// Gets a line for each kind of request, which is method, pattern of the path and status,
        /// nothing else, and for each reason for which flows failed; and once a minute how many
        /// more there were.
        public var logger = Logger(label: "callback-front")

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
}

extension CallbackFront.Configuration {
    /// Refuses what could not be served safely.
    func validate() throws(CallbackFrontError) {
        if let url = publicBaseURL {
            // Two slashes: those of the scheme.
            guard Self.isAllowed(url), url.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2,
                !url.contains("?")
            else { throw CallbackFrontError(.baseURLRefused) }
        } else {
            guard ["127.0.0.1", "::1", "localhost"].contains(host) else {
                throw CallbackFrontError(.baseURLRefused)
            }
        }
        // What is plain HTTP here is loopback: `isAllowed` has seen to it.
        guard !allowsPlainHTTPCookies || !(publicBaseURL?.hasPrefix("https:") ?? false) else {
            throw CallbackFrontError(.plainCookiesRefused)
        }
        // The seven parameters are to be all there is, so that none can be given twice.
        guard
            successRedirects.union(failureRedirects).allSatisfy({
                Self.isAllowed($0) && !$0.contains("?")
            })
        else { throw CallbackFrontError(.redirectRefused) }
        guard (0...65_535).contains(port) else { throw CallbackFrontError(.portRefused) }
    }

    /// Absolute, printable ASCII, no user information, no fragment, `https` but on loopback.
    private static func isAllowed(_ url: String) -> Bool {
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
