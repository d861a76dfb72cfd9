// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Synchronization
import TokenVault

extension CallbackFront {
    /// `GET /connect/{link}`: uses the link up and sends the browser to the provider.
    func open(_ token: String, _ request: Request) async -> Response {
        guard Navigation.isOne(request) else { return Reply.navigationOnly }
        let waiting: (fingerprint: Fingerprint, link: ConnectionLink)?
        do throws(VaultError) {
            let fingerprint = try Fingerprint(text: token)
            waiting = links.withLock { $0.peek(fingerprint, now: .now) }.map { (fingerprint, $0) }
        } catch {
            return end(nil, FailureReason(error))
        }
        guard let (fingerprint, link) = waiting else { return end(nil, .linkExpired) }
        if let recognizes = configuration.recognizes {
            let visitor = Visitor(
                connection: link.connection, application: link.application,
                headers: request.headers)
            guard await recognizes(visitor) else { return end(nil, .linkNotYours) }
        }
        // Only now, and by one of those who asked at the same time.
        guard links.withLock({ $0.take(fingerprint, now: .now) }) != nil else {
            return end(nil, .linkExpired)
        }
        do throws(VaultError) {
            return try await start(link, request)
        } catch {
            return end(link.end.failure, FailureReason(error))
        }
    }

    private func start(
        _ link: ConnectionLink, _ request: Request
    ) async throws(VaultError) -> Response {
        var cookieHeader = ""
        let binding = try cookie.renew(request.headers, header: &cookieHeader)
        let authorization = try await vault.connect(
            link.connection, application: link.application, scopes: link.scopes,
            userScopes: link.userScopes, browserBinding: binding)
        if !link.end.isDefault {
            let state = try Fingerprint(text: authorization.state)
            if let key = try Self.flowKey(state, binding, link.application) {
                // Full means that the flow ends on our own page. The vault's own bound on open
                // flows is the same, and is met first.
                _ = flows.withLock { $0.insert(link.end, for: key, now: .now) }
            }
        }
        var response = Reply.seeOther(authorization.url)
        response.headers[.setCookie] = cookieHeader
        return response
    }

    static func flowKey(
        _ state: Fingerprint, _ binding: borrowing Secret?, _ application: ApplicationID
    ) throws(VaultError) -> FlowKey? {
        switch binding {
        case .none: return nil
        case .some(let binding):
            return FlowKey(
                state: state, browser: try Fingerprint(binding.bytes), application: application)
        }
    }

    /// Sends the browser where a failed flow goes.
    func end(_ failure: String?, _ reason: FailureReason) -> Response {
        Reply.seeOther(failure ?? "/failed/\(reason.rawValue)")
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

    private static func value(_ name: String, _ request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }
}
