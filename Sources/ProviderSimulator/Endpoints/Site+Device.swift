// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Site {
    /// `POST /device_authorization` (RFC 8628 section 3.1).
    func deviceAuthorization(_ request: Request) async throws -> Reply {
        let form = try await form(of: request)
        let authorization = request.headers[.authorization]
        do throws(OAuthError) {
            let (code, device, issuer, settings) = try book.use { ledger throws(OAuthError) in
                let (form, client) = try ledger.authenticate(form, authorization)
                let (code, device) = try ledger.startDevice(form, client: client)
                return (code, device, ledger.issuer, ledger.settings)
            }
            let page = issuer + "/device"
            let interval = settings.deviceIntervalTold ?? device.interval
            return .json(
                #"{"device_code":"\#(code)","user_code":"\#(device.userCode)","#
                    + #""verification_uri":"\#(page)","#
                    + #""verification_uri_complete":"\#(page)?user_code=\#(device.userCode)","#
                    + #""expires_in":\#(settings.deviceLifetime.components.seconds),"#
                    + #""interval":\#(interval.components.seconds)}"#)
        } catch {
            return .refusal(error)
        }
    }

    /// `GET /device`: where a person types a user code, or sees what it is about.
    func devicePage(_ form: Form?) -> Reply {
        guard let typed = form?["user_code"], !typed.isEmpty else {
            return page(.ok, .userCode(), formAction: "")
        }
        guard let (_, device) = book.use({ $0.device(named: typed) }) else {
            return page(.badRequest, .refusal("No code like this is waiting."))
        }
        return page(.ok, .deviceConsent(device), formAction: "")
    }

    /// `POST /device`: the form of that page, or of a script that needs no page.
    func deviceDecision(_ form: Form?) -> Reply {
        guard let form, let typed = form["user_code"], let decision = form["decision"],
            ["approve", "deny"].contains(decision)
        else { return page(.badRequest, .refusal("The form lacks a code or a decision.")) }
        let isDecided = book.use { ledger in
            ledger.decideDevice(
                typed, approve: decision == "approve", user: form["user"] ?? "")
        }
        return isDecided
            ? page(.ok, .decided(isApproved: decision == "approve"))
            : page(.badRequest, .refusal("No code like this is waiting."))
    }
}
