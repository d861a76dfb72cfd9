// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Synchronization
import TokenVault

extension CallbackFront {
    /// `GET /callback/{application}`: completes a flow and sends the browser to a URL that has
    /// neither code nor state in it (RFC 9700 section 4.2.4).
    func complete(_ application: String, _ request: Request) async -> Response {
        guard Navigation.isOne(request) else { return Reply.navigationOnly }
        var flow: FlowEnd?
        var key: FlowKey?
        do throws(VaultError) {
            let application = try ApplicationID(application)
            let query = try Self.query(of: request)
            let binding = try cookie.binding(in: request.headers)
            // The vault would complete a flow that was started without a binding for anybody;
            // through this front no browser completes a flow without showing one.
            guard binding != nil else {
                tally.add("callback refused: no flow was started in this browser (no cookie)")
                return end(nil, .callbackRejected)
            }
            let state = try await vault.fingerprint(ofStateIn: query, of: application)
            key = try Self.flowKey(state, binding, application)
            flow = key.flatMap { key in flows.withLock { $0.peek(key, now: .now) } }
            _ = try await vault.complete(
                callbackQuery: query, application: application, browserBinding: binding)
            forget(key)
            tally.add("flow completed")
            return Reply.seeOther(flow?.success ?? "/completed")
        } catch {
            // Whoever is rejected did not end the flow, and learns nothing about it.
            guard error.code != .callbackRejected, error.code != .invalidArgument else {
                tally.add("callback refused: \(error.callbackCause)")
                return end(nil, .callbackRejected)
            }
            tally.add("flow failed: \(error.code)")
            forget(key)
            return end(flow?.failure, FailureReason(error))
        }
    }

    private func forget(_ key: FlowKey?) {
        guard let key else { return }
        flows.withLock { _ = $0.take(key, now: .now) }
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
