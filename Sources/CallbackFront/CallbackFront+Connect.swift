// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TokenVault

extension CallbackFront {
    /// `GET /connect/{link}`: shows what the link is for. It uses nothing up, whoever asks: mail
    /// scanners and previews open every link.
    func show(_ token: String, _ request: Request) async -> Response {
        do throws(VaultError) {
            guard let target = try await vault.target(ofLink: token) else {
                return failed(.linkExpired)
            }
            if let elsewhere = await refusal(of: target, token, request) { return elsewhere }
            var response = Response.page(pages.connect(target))
            Policy.allowButton(
                &response, leadingTo: target.authorizationEndpoint,
                hasLogo: configuration.logo != nil)
            return response
        } catch {
            return failed(FailureReason(error))
        }
    }

    /// `POST /connect/{link}`, which the page's button sends: uses the link up and sends the
    /// browser to the provider.
    func open(_ token: String, _ request: Request) async -> Response {
        guard Navigation.isOne(request), let host = host(of: request),
            Navigation.isFromOwnPage(request, origin: host.browserOrigin)
        else { return .page(pages.refused, status: .forbidden) }
        // The button sends nothing; what is sent is read to its end, and nobody looks at it.
        guard (try? await request.body.collect(upTo: Self.bodyBytesMax)) != nil else {
            return .page(pages.refused, status: .contentTooLarge)
        }
        let target: LinkTarget
        do throws(VaultError) {
            guard let found = try await vault.target(ofLink: token) else {
                return failed(.linkExpired)
            }
            target = found
        } catch {
            return failed(FailureReason(error))
        }
        if let elsewhere = await refusal(of: target, token, request) { return elsewhere }
        do throws(VaultError) {
            var cookieHeader = ""
            let binding = try cookie.renew(request.headers, header: &cookieHeader)
            let authorization = try await vault.open(link: token, browserBinding: binding)
            var response = Reply.seeOther(authorization.url)
            response.headers[.setCookie] = cookieHeader
            return response
        } catch {
            guard error.code != .linkExpired else { return failed(.linkExpired) }
            // What uses no link up may work in a moment.
            guard await isGone(token) else { return failed(FailureReason(error)) }
            return await end(
                Ended(
                    flow: nil, connection: target.connection, application: target.application,
                    redirects: target.redirects), FailureReason(error))
        }
    }

    /// Whether a link is used up; where the vault cannot say, it is not.
    private func isGone(_ token: String) async -> Bool {
        do throws(VaultError) {
            return try await vault.target(ofLink: token) == nil
        } catch {
            return false
        }
    }

    /// What a browser gets that may not open a link, or not here; nil where it may.
    private func refusal(
        of target: LinkTarget, _ token: String, _ request: Request
    ) async -> Response? {
        guard let place = hosts?.place(of: target.redirectURI, target.application) else {
            tally.add(
                "link refused: its application's redirect URI is at none of the hosts that are "
                    + "served")
            return failed(.applicationMisconfigured)
        }
        // At another host of ours the cookie would be of no use to the callback.
        guard host(of: request)?.base == place.entry.base else {
            return Reply.seeOther(place.entry.base + "/connect/" + token)
        }
        guard let recognizes = configuration.recognizes else { return nil }
        let visitor = Visitor(
            connection: target.connection, application: target.application,
            headers: request.headers)
        return await recognizes(visitor) ? nil : failed(.linkNotYours)
    }
}

/// Whether a person is on the way to a page, as far as the browser says so (Fetch Metadata). What a
/// browser loads ahead or into a page must not use up a link or a state.
enum Navigation {
    static func isOne(_ request: Request) -> Bool {
        for name in ["sec-purpose", "purpose", "x-moz"] {
            let purpose = value(name, request)?.lowercased() ?? ""
            if purpose.contains("prefetch") || purpose.contains("prerender") { return false }
        }
        guard let destination = value("sec-fetch-dest", request) else { return true }
        return destination == "document"
    }

    /// Whether a form was sent from a page of ours, as the browser says: `Sec-Fetch-Site`, or, of
    /// browsers that do not have it yet, `Origin`. What sends neither is no browser, and has no
    /// cookies of somebody else's.
    static func isFromOwnPage(_ request: Request, origin: String) -> Bool {
        if let site = value("sec-fetch-site", request) { return site == "same-origin" }
        if let from = value("origin", request) { return from == origin }
        return true
    }

    private static func value(_ name: String, _ request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }
}
