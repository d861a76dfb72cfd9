// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault status`.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a connection is, why, and what to do next.",
        discussion: """
            The light is coloured on a terminal, unless NO_COLOR is set.

            EXAMPLES
              tokenvault status anna
              tokenvault status anna --json | jq -r .next_refresh
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Flag(help: "One JSON object.")
    var json = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func run() async throws {
        var found: StatusForm?
        try await options.withDoor(readsUnverified: reading.readUnverified) {
            found = try await $0.status(id: id)
        }
        guard let status = found else { return }
        if json { return try Outlet.output.line(JSONLine.of(status)) }
        let now = SystemTime().now()
        func moment(_ moment: Moment?) -> String? {
            moment.map { "\($0.time.text) (\($0.time.distance(from: now)))" }
        }
        let rows: [(String, String?)] = [
            ("reason", Self.reason(status)),
            ("next step", NextStep.text(status)),
            ("application", status.application),
            ("grant", Self.grant(status)),
            ("subject", status.subject),
            ("account", status.account),
            ("account before", status.earlierAccount.map { "\($0): another one came back" }),
            ("token expires", moment(status.expires)),
            ("learnt from", status.expires == nil ? nil : status.expirySource),
            ("refresh token expires", moment(status.refreshTokenExpires)),
            ("connect again by", moment(status.diesAt)),
            ("because", status.endCause.map(Self.explanation)),
            (Self.asksAnew(status) ? "next request" : "next refresh", moment(status.nextRefresh)),
            ("answer outstanding", moment(status.answerOutstandingSince).map { "since \($0)" }),
            ("token rejected", moment(status.tokenRejected)),
            ("last refreshed", moment(status.lastRefreshed)),
            ("refreshes", String(status.refreshCount)),
            ("last used", moment(status.lastUsed)),
            ("scope asked for", status.requestedScope),
            ("scope granted", status.grantedScope),
            ("not granted", status.missingScopes?.joined(separator: ", ")),
            ("granted besides", status.extraScopes?.joined(separator: ", ")),
            ("values", Self.list(status.variables, status.hiddenNames)),
            ("captured", Self.list(status.captured, status.hiddenNames)),
            ("hosts of the API", status.resourceHosts?.joined(separator: ", ")),
            ("memory", status.memory == "unlocked" ? "not locked: secrets may reach swap" : nil),
        ]
        let light = Self.coloured(status.light, Outlet.output.hasColour)
        try Outlet.output.line("\(light)  \(status.id.printable)")
        for (name, value) in rows {
            if let value {
                try Outlet.output.line("  \(name.padded(to: 22))\(value.printable)")
            }
        }
    }

    /// Names and values in one line; the operator sees the hidden ones, too.
    private static func list(_ values: [String: String]?, _ hiddenNames: [String]?) -> String? {
        values?.sorted { $0.key < $1.key }.map { name, value in
            let isHidden = hiddenNames?.contains(name) ?? false
            return "\(name)=\(value)" + (isHidden ? " (hidden)" : "")
        }.joined(separator: ", ")
    }

    /// What its tokens come by, where nobody consents to that.
    private static func grant(_ status: StatusForm) -> String? {
        switch status.grant.flatMap(GrantType.init(rawValue:)) {
        case .clientCredentials: "client credentials: the client asks for each token by itself"
        case .jwtBearer: "JWT bearer: the client signs an assertion for each token"
        default: nil
        }
    }

    private static func asksAnew(_ status: StatusForm) -> Bool { grant(status) != nil }

    private static func reason(_ status: StatusForm) -> String? {
        status.reason.map { reason in
            let detail = status.reasonDetail?.detail ?? FailureDetail()
            let text = EventNumber.text(reason, Int64(status.reasonNumber ?? 0), detail)
            return text.map { "\(reason) (\($0))" } ?? reason
        }
    }

    /// What the end of a connection means to somebody at a terminal.
    private static func explanation(_ cause: String) -> String {
        switch EndCause(rawValue: cause) {
        case .idle:
            "the provider drops a token that is not used for so long; each refresh puts it off"
        case .limit: "the provider lets a connection live for so long, refreshed or not"
        case .stated: "the provider said so; a refresh may put it off"
        case .notRenewable: "nothing renews the token: there is no refresh token to do it with"
        case nil: cause
        }
    }

    private static func coloured(_ light: String, _ hasColour: Bool) -> String {
        let codes = ["green": 32, "yellow": 33, "red": 31]
        guard hasColour, let code = codes[light] else { return light }
        return "\u{1b}[\(code)m\(light)\u{1b}[0m"
    }
}
