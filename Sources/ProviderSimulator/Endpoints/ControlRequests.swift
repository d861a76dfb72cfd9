// SPDX-License-Identifier: Apache-2.0

/// The body of `POST /control/fault`: `{"kind":"status","status":503,"retry_after":"2",
/// "replies":3,"endpoint":"token"}`. Kind `none` ends the fault.
struct FaultRequest: Decodable {
    let kind: String
    let status: Int?
    let retryAfter: String?
    let milliseconds: Int?
    let location: String?
    let replies: Int?
    let answer: String?
    let endpoint: ProviderSimulator.Endpoint?

    enum CodingKeys: String, CodingKey {
        case kind, status, milliseconds, location, replies, answer, endpoint
        case retryAfter = "retry_after"
    }

    /// The fault meant, or nil for none.
    func fault() throws(ProviderSimulator.SettingsError) -> ProviderSimulator.Fault? {
        guard replies.map({ $0 > 0 }) ?? true else {
            throw ProviderSimulator.SettingsError(description: "replies must be positive")
        }
        switch kind {
        case "none": return nil
        case "status":
            guard let status, (200...599).contains(status) else {
                throw ProviderSimulator.SettingsError(description: "status is 200 to 599")
            }
            return .status(status, retryAfter: retryAfter)
        case "html_page": return .htmlPage
        case "not_json": return .notJSON
        case "huge_body": return .hugeBody
        case "one_byte_a_second": return .oneByteASecond
        case "closed_without_reply": return .closedWithoutReply
        case "delay_before": return .delayBefore(try delay())
        case "delay_after": return .delayAfter(try delay())
        case "redirect": return .redirect(to: location ?? "/elsewhere")
        case "truncated_json": return .truncatedJSON
        case "answer":
            guard let answer else {
                throw ProviderSimulator.SettingsError(description: "answer is missing")
            }
            return .answer(answer)
        case "duplicate_access_token": return .duplicateAccessToken
        default:
            throw ProviderSimulator.SettingsError(description: "no such kind of fault")
        }
    }

    private func delay() throws(ProviderSimulator.SettingsError) -> Duration {
        guard let milliseconds, (0...3_600_000).contains(milliseconds) else {
            throw ProviderSimulator.SettingsError(description: "milliseconds is 0 to 3600000")
        }
        return .milliseconds(milliseconds)
    }
}

/// The body of `POST /control/settings`: whatever is absent stays as it is.
struct SettingsRequest: Decodable {
    let accessLifetime: Int?
    let refreshLifetime: Int?
    let rotation: String?
    let expiryStyle: ProviderSimulator.ExpiryStyle?
    let revocationCascades: Bool?
    let requiresPKCE: Bool?
    let tokenMarker: String?
    let tokenBytes: Int?
    let keepsJournal: Bool?
    let advanceSeconds: Int?
    let resetCounters: Bool?

    enum CodingKeys: String, CodingKey {
        case rotation
        case accessLifetime = "access_lifetime"
        case refreshLifetime = "refresh_lifetime"
        case expiryStyle = "expiry_style"
        case revocationCascades = "revocation_cascades"
        case requiresPKCE = "requires_pkce"
        case tokenMarker = "token_marker"
        case tokenBytes = "token_bytes"
        case keepsJournal = "keeps_journal"
        case advanceSeconds = "advance_seconds"
        case resetCounters = "reset_counters"
    }

    /// Applies the change as a whole or, where a value is refused, not at all.
    func apply(to ledger: inout Ledger) throws(ProviderSimulator.SettingsError) {
        var settings = ledger.settings
        if let accessLifetime { settings.accessLifetime = .seconds(accessLifetime) }
        if let refreshLifetime {
            settings.refreshLifetime = refreshLifetime == 0 ? nil : .seconds(refreshLifetime)
        }
        if let rotation { settings.rotation = try ProviderSimulator.Rotation(words: rotation) }
        if let expiryStyle { settings.expiryStyle = expiryStyle }
        if let revocationCascades { settings.revocationCascades = revocationCascades }
        if let requiresPKCE { settings.requiresPKCE = requiresPKCE }
        if let tokenMarker { settings.tokenMarker = tokenMarker }
        if let tokenBytes { settings.tokenBytes = tokenBytes }
        if let keepsJournal { settings.keepsJournal = keepsJournal }
        try settings.validate()
        let offset = ledger.clockOffset + .seconds(advanceSeconds ?? 0)
        guard offset >= ledger.clockOffset, offset <= ProviderSimulator.Settings.durationMax else {
            throw ProviderSimulator.SettingsError(
                description: "the clock goes forward, up to a hundred years")
        }
        ledger.settings = settings
        ledger.clockOffset = offset
        if resetCounters == true { ledger.counters = ProviderSimulator.Counters() }
    }
}

extension ProviderSimulator.Rotation {
    /// Reads `none`, `strict` or `grace=SECONDS`.
    public init(words: String) throws(ProviderSimulator.SettingsError) {
        switch words {
        case "none": self = .none
        case "strict": self = .rotating(grace: .zero)
        default:
            guard words.hasPrefix("grace="), let seconds = Int(words.dropFirst(6)), seconds >= 0
            else {
                throw ProviderSimulator.SettingsError(
                    description: "rotation is none, strict or grace=SECONDS")
            }
            self = .rotating(grace: .seconds(seconds))
        }
    }
}
