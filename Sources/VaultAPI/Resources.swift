// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What the API says of the vault's things. The control socket has forms of its own, between two
// processes of one version; these are a contract, which openapi.json describes.

extension JSONWriter {
    mutating func write(_ status: ConnectionStatus, values: ConnectionValues? = nil) {
        beginObject()
        member("id", status.connection.text)
        member("reference", status.reference)
        member("light", status.light.rawValue)
        member("reason", status.reason?.description)
        member("reason_number", status.reasonNumber == 0 ? nil : status.reasonNumber)
        member("reason_detail", status.reasonDetail)
        member("next_step", status.nextStep.apiName)
        member("application", status.application?.text)
        member("grant", status.grant.rawValue)
        member("subject", status.subject)
        member("account", status.account)
        member("expires_at", status.accessTokenExpiry)
        member("refresh_token_expires_at", status.refreshTokenExpiry)
        member("dies_at", status.diesAt)
        member("end_cause", status.endCause?.rawValue)
        member("next_refresh_at", status.nextRefresh)
        member("retry_at", status.retryTime)
        member("answer_outstanding_since", status.answerOutstandingSince)
        member("token_rejected_at", status.tokenRejected)
        member("last_refreshed_at", status.lastRefreshed)
        member("refresh_count", status.refreshCount)
        member("last_used_at", status.lastUsed)
        member("requested_scope", status.requestedScope)
        member("granted_scope", status.grantedScope)
        member("generation", status.generation)
        if let values { members(values) }
        endObject()
    }

    /// What is known of a connection beside its tokens.
    mutating func members(_ values: ConnectionValues) {
        member("variables", values.variables)
        member("captured", values.captured)
        member("hidden_names", values.hiddenNames.sorted())
        member("resource_hosts", values.resourceHosts)
    }

    private mutating func member(_ name: String, _ detail: FailureDetail) {
        guard detail != FailureDetail() else { return }
        beginObject(name)
        member("oauth_error", detail.oauthError)
        member("cause", detail.causeName)
        member("subject", detail.subjectName)
        member("verify_result", detail.verifyResult == 0 ? nil : detail.verifyResult)
        endObject()
    }

    mutating func write(_ event: VaultEvent) {
        beginObject()
        member("time", event.time)
        member("event", event.kind.description)
        member("number", event.number == 0 ? nil : event.number)
        member("detail", event.detail)
        endObject()
    }

    mutating func write(_ logged: LoggedEvent) {
        beginObject()
        member("time", logged.event.time)
        member("event", logged.event.kind.description)
        member("reference", logged.reference)
        member("connection", logged.event.connection?.text)
        member("application", logged.application?.text)
        member("number", logged.event.number == 0 ? nil : logged.event.number)
        member("detail", logged.event.detail)
        endObject()
    }

    mutating func write(_ application: Vault.ApplicationSummary) {
        beginObject()
        member("id", application.id.text)
        beginObject("provider")
        for setting in ProviderSetting.all {
            if let value = setting.value(of: application.provider) { member(setting.key, value) }
        }
        endObject()
        member("client_id", application.clientID)
        member("has_client_secret", application.hasClientSecret)
        if let key = application.signingKey {
            beginObject("signing_key")
            member("algorithm", key.algorithm.name)
            member("key_id", key.keyID)
            endObject()
        }
        member("redirect_uri", application.redirectURI)
        member("scopes", application.scopes)
        member("user_scopes", application.userScopes)
        member("values", application.values)
        endObject()
    }

    mutating func write(_ receipt: DisconnectReceipt) {
        beginObject()
        member("id", receipt.connection.text)
        member("refresh_token", receipt.refreshToken)
        member("access_token", receipt.accessToken)
        member("tokens_live_on", receipt.tokensLiveOn)
        member("access_token_expires_at", receipt.accessTokenExpiry)
        member("every_answer_in", receipt.isEveryAnswerIn)
        member("listens_until", receipt.listensUntil)
        member("earlier_grants", receipt.earlierGrants)
        member("erased_slots", receipt.erasedSlots)
        switch receipt.erasure {
        case .inPlace: member("erasure", "in_place")
        case .bestEffort: member("erasure", "best_effort")
        }
        member("completed_at", receipt.completed)
        endObject()
    }

    private mutating func member(_ name: String, _ revocation: DisconnectReceipt.Revocation) {
        beginObject(name)
        switch revocation {
        case .notNeeded: member("revocation", "not_needed")
        case .revoked: member("revocation", "revoked")
        case .unsupported: member("revocation", "unsupported")
        case .failed(let number, let detail):
            member("revocation", "failed")
            member("number", number)
            member("detail", detail)
        }
        endObject()
    }
}

extension ConnectionStatus.NextStep {
    fileprivate var apiName: String {
        switch self {
        case .correctApplication: "correct_application"
        case .makeRoom: "make_room"
        case .checkUse: "check_use"
        default: rawValue
        }
    }
}
