// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Site {
    /// `GET /authorize`: the page on which a person consents.
    func authorizePage(_ form: Form?) -> Reply {
        guard let form else { return page(.badRequest, .refusal("The request cannot be read.")) }
        do {
            let request = try book.use { ledger throws(AuthorizationRequest.Refusal) in
                ledger.counters.authorizeRequests += 1
                return try AuthorizationRequest(
                    form, settings: ledger.settings, issuer: ledger.issuer)
            }
            return page(.ok, .consent(form, request), formAction: request.redirectURI)
        } catch {
            return answer(error, redirectStatus: .found)
        }
    }

    /// `POST /authorize`: the form of that page, or of a script that needs no page.
    func authorizeDecision(_ form: Form?) -> Reply {
        guard let form, let decision = form["decision"], ["approve", "deny"].contains(decision)
        else { return page(.badRequest, .refusal("The form lacks a decision.")) }
        do {
            let location = try book.use { ledger throws(AuthorizationRequest.Refusal) in
                ledger.counters.authorizeRequests += 1
                return try ledger.decide(
                    form, approve: decision == "approve", user: form["user"] ?? "")
            }
            return .redirect(to: location, status: .seeOther)
        } catch {
            return answer(error, redirectStatus: .seeOther)
        }
    }

    func answer(
        _ refusal: AuthorizationRequest.Refusal, redirectStatus: HTTPResponse.Status
    ) -> Reply {
        switch refusal {
        case .shown(let words): page(.badRequest, .refusal(words))
        case .redirected(let location): .redirect(to: location, status: redirectStatus)
        }
    }

    /// A page that may not do anything but send its form.
    func page(
        _ status: HTTPResponse.Status, _ page: Page, formAction: String? = nil
    ) -> Reply {
        // Browsers apply form-action to the redirect that answers the form, too.
        let target =
            formAction.map { $0.isEmpty ? "'self'" : "'self' " + Page.source(of: $0) } ?? "'none'"
        var reply = Reply(status: status, body: .init(string: page.html))
        reply.headers = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
            .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; "
                + "form-action \(target); base-uri 'none'; frame-ancestors 'none'",
            .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { reply.headers[name] = "no-referrer" }
        return reply
    }
}
