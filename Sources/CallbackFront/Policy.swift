// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TokenVault

/// The headers that say what a page may do: a browser keeps to them.
enum Policy {
    static let noReferrer = (name: "Referrer-Policy", value: "no-referrer")
    static let noFrame = (name: "X-Frame-Options", value: "DENY")

    /// The content security policy of a page.
    ///
    /// - Parameter hasLogo: whether there is a picture to load; else a browser asks for no icon,
    ///   either.
    static func page(hasLogo: Bool, formAction: String = "'none'") -> String {
        "default-src 'none'; style-src 'self'; \(hasLogo ? "img-src 'self'; " : "")"
            + "frame-ancestors 'none'; base-uri 'none'; form-action \(formAction)"
    }

    /// A picture may be an SVG, which is opened as a page, too: it then runs nothing.
    static let picture = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

    /// Puts the connect page's own policy on it.
    ///
    /// Its form leads to the provider by a redirect, and Chromium holds every redirect of a form's
    /// answer to `form-action`. Which hosts the provider redirects to, to sign in, is not known:
    /// hence `https:`, and the origin of a practice server on loopback.
    ///
    /// With `no-referrer` a browser sends `Origin: null` from the form, and our own page could not
    /// be told from others.
    static func allowButton(
        _ response: inout Response, leadingTo endpoint: String, hasLogo: Bool
    ) {
        let loopback = loopbackOrigin(endpoint).map { " " + $0 } ?? ""
        response.headers[.contentSecurityPolicy] = page(
            hasLogo: hasLogo, formAction: "'self' https:\(loopback)")
        HTTPField.Name(noReferrer.name).map { response.headers[$0] = "same-origin" }
    }

    /// The origin of a plain HTTP URL on this machine; nil for any other URL.
    static func loopbackOrigin(_ url: String) -> String? {
        guard url.hasPrefix("http://"), CallbackFront.Configuration.isAllowed(url) else {
            return nil
        }
        return "http://" + url.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" }
    }
}
