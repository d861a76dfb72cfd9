// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TokenVault

extension CallbackFront {
    /// `GET /callback/{application}` and `GET /callback`: completes a flow and sends the browser to
    /// a URL that has neither code nor state in it (RFC 9700 section 4.2.4).
    ///
    /// - Parameter name: nil for the plain callback, which many applications share.
    func complete(_ name: String?, _ request: Request) async -> Response {
        guard Navigation.isOne(request) else { return Reply.navigationOnly }
        var ended: Ended?
        do throws(VaultError) {
            let callback = try Callback(
                application: name.map { text throws(VaultError) in try ApplicationID(text) },
                uri: called(by: request), query: Self.query(of: request),
                binding: cookie.binding(in: request.headers))
            // The vault would complete a flow that was started without a binding for anybody;
            // through this front no browser completes a flow without showing one.
            guard callback.isFromBrowserWithCookie else {
                return rejected("no flow was started in this browser (no cookie)")
            }
            let open = try await callback.flow(in: vault)
            guard
                name != nil
                    || servesPlainCallback(open.application, sendsIssuer: open.sendsIssuer)
            else {
                return rejected(
                    "application \(open.application) may not use the plain /callback")
            }
            ended = Ended(open)
            do throws(VaultError) {
                if open.awaitsConfirmation { return try await hold(callback) }
                try await callback.complete(in: vault)
            } catch {
                // There may have been no room yet: the flow is open, and the same address ends it.
                guard error.code == .tooManySecrets, await isOpen(callback) else { throw error }
                tally.add("callback not taken yet: \(error.code)")
                return .later(pages.busy)
            }
            return await completed(Ended(open))
        } catch {
            // Whoever is rejected did not end the flow, and learns nothing about it.
            guard error.code != .callbackRejected, error.code != .invalidArgument else {
                return rejected(error.callbackCause)
            }
            guard let ended else {
                // The vault could not say whose it is, and has ended nothing.
                tally.add("callback not looked up: \(error.code)")
                return failed(FailureReason(error))
            }
            tally.add("flow failed: \(error.code)")
            return await end(ended, FailureReason(error))
        }
    }

    /// Whether the flow may still be completed: only the vault's word that it is gone says no.
    private func isOpen(_ callback: borrowing Callback) async -> Bool {
        do throws(VaultError) {
            _ = try await callback.flow(in: vault)
            return true
        } catch {
            return error.code != .callbackRejected
        }
    }

    /// A callback, as a browser brought it.
    private struct Callback: ~Copyable {
        let application: ApplicationID?
        let uri: String
        let query: Secret
        let binding: Secret?

        init(
            application: ApplicationID?, uri: String, query: consuming Secret,
            binding: consuming Secret?
        ) {
            self.application = application
            self.uri = uri
            self.query = query
            self.binding = binding
        }

        var isFromBrowserWithCookie: Bool {
            switch binding {
            case .none: false
            case .some: true
            }
        }

        borrowing func flow(in vault: Vault) async throws(VaultError) -> OpenFlow {
            try await vault.flow(
                ofCallback: query, application: application, redirectURI: uri,
                browserBinding: binding)
        }

        borrowing func complete(in vault: Vault) async throws(VaultError) {
            try await vault.complete(
                callbackQuery: query, application: application, redirectURI: uri,
                browserBinding: binding)
        }

        borrowing func hold(in vault: Vault) async throws(VaultError) -> FlowID {
            try await vault.hold(
                callbackQuery: query, application: application, redirectURI: uri,
                browserBinding: binding)
        }
    }

    /// Keeps the code until the platform has said whose browser brought it.
    private func hold(_ callback: borrowing Callback) async throws(VaultError) -> Response {
        let flow = try await callback.hold(in: vault)
        guard let url = configuration.confirmationURL else {
            tally.add("flow not confirmed: there is no confirmation URL any more")
            return failed(.unknown)
        }
        return Reply.seeOther(url + "?flow=" + flow.text)
    }

    private func rejected(_ cause: String) -> Response {
        tally.add("callback refused: \(cause)")
        return failed(.callbackRejected)
    }

    /// The URI that was called, without its query, which has to be the application's redirect URI:
    /// the configured host and the path as it was written.
    private func called(by request: Request) -> String {
        let path = (request.head.path ?? "").prefix { $0 != "?" }
        return (host(of: request)?.origin ?? "") + path
    }

    /// The query, without its question mark.
    ///
    /// This is the one place in the package where a code is in a `String`, and in the buffers that
    /// NIO read it into: from here on it is in the arena. `PageGuard` has bounded its length.
    private static func query(of request: Request) throws(VaultError) -> Secret {
        let target = request.head.path ?? ""
        let span = target.utf8Span.span
        var start = 0
        while start < span.count, span[start] != UInt8(ascii: "?") { start += 1 }
        let rest = span.extracting(min(start + 1, span.count)..<span.count)
        return try unsafe Secret(copying: rest.bytes)
    }
}
