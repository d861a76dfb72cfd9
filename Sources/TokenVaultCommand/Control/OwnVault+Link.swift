// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension OwnVault {
    /// Answers what is asked of links, and of flows that await the platform's confirmation.
    func answer(toLink request: Request) async throws -> Reply? {
        switch request {
        case .link(let form): return .link(try await link(form))
        case .reach:
            return .reach(front?.reach ?? FrontReach(origins: [], plainCallbackApplications: []))
        case .confirmFlow(let flow):
            return .connected(id: try await vault.confirm(FlowID(flow)).text)
        case .dropFlow(let flow):
            try await vault.drop(FlowID(flow))
            return nil
        default: throw VaultError(.invalidArgument, .vault)
        }
    }

    private func link(_ form: LinkForm) async throws -> MadeLinkForm {
        let application = try ApplicationID(form.application)
        guard let summary = try vault.applications().first(where: { $0.id == application }) else {
            throw VaultError(.applicationNotFound, .vault)
        }
        let callback = CallbackURI(ApplicationForm(summary))
        let base = try base(of: callback, form.baseURL)
        try front?.check(form.redirects)
        if form.awaitsConfirmation ?? false { try front?.checkConfirmation() }
        let link = try await vault.link(
            ConnectionID(form.id), application: application, scopes: form.scopes,
            userScopes: form.userScopes,
            settings: (form.own ?? OwnForm()).settings(clientSecret: nil),
            redirects: form.redirects.map { try $0.redirects() },
            awaitsConfirmation: form.awaitsConfirmation ?? false)
        return MadeLinkForm(
            url: "\(base)/connect/\(link.token)", flow: link.flow.text,
            expires: Moment(link.expires), isServed: !endsWithRequest && front != nil)
    }

    /// Where the link is opened: at the host of the application's callback, since the browser keeps
    /// the flow's cookie for the host that gave it.
    private func base(
        of callback: CallbackURI, _ given: String?
    ) throws(CommandFailure) -> String {
        let registered = callback.text.printable
        let application = callback.application.printable
        if let given {
            // The same question as of a host that `serve` has.
            let place = FrontReach(
                origins: [given],
                plainCallbackApplications: front?.plainCallbackApplications ?? [])
            guard BaseURL(given) != nil, place.origin(of: callback) != nil else {
                throw CommandFailure(
                    .usage,
                    "the link has to be at the host of the callback, and the redirect URI of the "
                        + "application \(application) is \(registered): give --base-url of "
                        + "that host, so that the redirect URI is it with "
                        + "/callback/\(application), or /callback alone where the provider sends "
                        + "iss or --config names a file whose plain_callback_applications has it")
            }
            if let known = front?.reach.origins, !known.isEmpty, !known.contains(given) {
                throw CommandFailure(
                    .usage,
                    "--base-url is none of the hosts that `serve` has, which are "
                        + "\(known.joined(separator: ", ").printable): leave it out, or add its "
                        + "host to hosts in the file of `serve`")
            }
            return given
        }
        guard let reach = front?.reach, !reach.origins.isEmpty else {
            throw CommandFailure(
                .usage,
                "no process serves this vault to browsers: give --base-url, the scheme and host of "
                    + "the redirect URI (\(registered)); the link works once a `serve` at that "
                    + "host has opened this vault. Or give --config, the file of that `serve`")
        }
        if let origin = reach.origin(of: callback) { return origin }
        throw CommandFailure(
            .misconfigured,
            "the redirect URI of the application \(application) is \(registered), which `serve` "
                + "does not answer: register another and say it with `tokenvault app add "
                + "--replace`, or add its host to hosts in the file of `serve`; `tokenvault "
                + "callback list` shows what there is")
    }
}

extension FrontSettings {
    /// Whether there is a page that a flow which awaits confirmation leads to: the front ends it as
    /// failed where there is none.
    fileprivate func checkConfirmation() throws(CommandFailure) {
        guard confirmationURL == nil else { return }
        throw CommandFailure(
            .misconfigured,
            "a flow that awaits confirmation leads to confirmation_url, which the file of `serve` "
                + "does not have: add it there and start `serve` again, or leave out --confirm")
    }

    /// Whether flows may end where they are to. The front looks again when one does.
    fileprivate func check(_ redirects: RedirectsForm?) throws(CommandFailure) {
        try check(redirects?.success, "--success", successRedirects, "success_redirects")
        try check(redirects?.failure, "--failure", failureRedirects, "failure_redirects")
    }

    private func check(
        _ url: String?, _ option: String, _ list: [String], _ setting: String
    ) throws(CommandFailure) {
        guard let url, !list.contains(where: { $0.utf8.elementsEqual(url.utf8) }) else { return }
        throw CommandFailure(
            .refused,
            "\(option) is not in \(setting) of the file of `serve`, character by character: add it "
                + "there and start `serve` again, or give one that is there")
    }
}
