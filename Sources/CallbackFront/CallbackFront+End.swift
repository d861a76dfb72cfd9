// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TokenVault

extension CallbackFront {
    /// A flow that has ended in the browser that it was started in.
    struct Ended: Sendable {
        let flow: FlowID?
        let connection: ConnectionID
        let application: ApplicationID
        let redirects: Redirects?

        init(
            flow: FlowID?, connection: ConnectionID, application: ApplicationID,
            redirects: Redirects?
        ) {
            self.flow = flow
            self.connection = connection
            self.application = application
            self.redirects = redirects
        }

        init(_ open: OpenFlow) {
            self.init(
                flow: open.flow, connection: open.connection, application: open.application,
                redirects: open.redirects)
        }
    }

    /// Sends the browser where a completed flow goes.
    func completed(_ ended: Ended) async -> Response {
        await tell(ended, .connected)
        let own = note(on: ended.connection).map { "/completed/\($0.rawValue)" } ?? "/completed"
        return Reply.seeOther(
            location(ended, ended.redirects?.success, configuration.successRedirects) ?? page(own))
    }

    /// Sends the browser where a failed flow goes.
    func end(_ ended: Ended, _ reason: FailureReason) async -> Response {
        await tell(
            ended, reason == .flowDenied ? .denied(reason.rawValue) : .failed(reason.rawValue))
        let error = ended.redirects?.failureCarriesError ?? false ? reason : nil
        let failure = location(
            ended, ended.redirects?.failure, configuration.failureRedirects, error)
        return failure.map { Reply.seeOther($0) } ?? failed(reason)
    }

    /// Sends the browser to our own page of a failure, which may be of no flow at all.
    func failed(_ reason: FailureReason) -> Response {
        Reply.seeOther(page("/failed/\(reason.rawValue)"))
    }

    private func page(_ path: String) -> String { (hosts?.path ?? "") + path }

    private func tell(_ ended: Ended, _ result: FlowOutcome.Result) async {
        await configuration.onFlowEnded(
            FlowOutcome(
                connection: ended.connection, application: ended.application, flow: ended.flow,
                result: result, parameters: ended.redirects?.parameters))
    }

    /// A redirect with its query; nil where there is none, or it is not on the list any more.
    private func location(
        _ ended: Ended, _ url: String?, _ list: Set<String>, _ error: FailureReason? = nil
    ) -> String? {
        guard let url else { return nil }
        guard isAllowed(url, in: list) else {
            tally.add("redirect not followed: it is on the list no more")
            return nil
        }
        var parts: [String] = []
        if let query = ended.redirects?.parameters?.query, !query.isEmpty { parts.append(query) }
        if let error { parts.append("\(RedirectParameters.errorName)=\(error.rawValue)") }
        return parts.isEmpty ? url : url + "?" + parts.joined(separator: "&")
    }

    /// What our own page says beside that the flow is completed.
    private func note(on connection: ConnectionID) -> CompletionNote? {
        guard let status = try? vault.status(connection),
            let requested = status.requestedScope, let granted = status.grantedScope
        else { return nil }
        return Self.scopes(requested).isSubset(of: Self.scopes(granted)) ? nil : .scopesMissing
    }

    /// Providers separate them by spaces, or by commas. Many do not name what is about the sign-in
    /// itself, or name it otherwise: that is not missed.
    private static func scopes(_ text: String) -> Set<Substring> {
        Set(text.split { $0 == " " || $0 == "," }).subtracting([
            "openid", "email", "profile", "offline_access",
        ])
    }
}
