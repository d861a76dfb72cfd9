// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What is left of a vault, as JSON and people have it.
struct AuditForm: Codable, Sendable {
    var isWhole: Bool
    var connections: Int
    var applications: Int
    /// Nil where there is none.
    var webhooks: Int?
    /// Keys of the JSON API; nil where there are none.
    var apiKeys: Int?
    /// Records that do not open, by the reason.
    var unopened: [String: Int]
    var erased: Int
    var damagedPages: Int
    var expected: Int?
    var matchesRoot: Bool
    var headerIsWhole: Bool
    var damagedNotes: Int
    /// Entries of the log that do not open.
    var damagedEvents: Int
    /// Why other commands refuse the vault, beside what is damaged.
    var obstacle: String?
    /// The ids of those that opened and are not in the new vault.
    var notCopied: [String]
    var salvagedTo: String?

    enum CodingKeys: String, CodingKey {
        case connections, applications, webhooks, unopened, erased, expected, obstacle
        case apiKeys = "api_keys"
        case isWhole = "is_whole"
        case damagedPages = "damaged_pages"
        case matchesRoot = "matches_root"
        case headerIsWhole = "header_is_whole"
        case damagedNotes = "damaged_notes"
        case damagedEvents = "damaged_events"
        case notCopied = "not_copied"
        case salvagedTo = "salvaged_to"
    }

    init(_ report: SalvageReport, salvagedTo: String?) {
        isWhole = report.isWhole
        connections = report.connections
        applications = report.applications
        webhooks = report.webhooks == 0 ? nil : report.webhooks
        apiKeys = report.apiKeys == 0 ? nil : report.apiKeys
        var unopened: [String: Int] = [:]
        for (fault, count) in report.faults { unopened[Self.name(fault)] = count }
        self.unopened = unopened
        erased = report.erased
        damagedPages = report.damagedPages
        expected = report.expected
        matchesRoot = report.matchesRoot
        headerIsWhole = report.headerIsWhole
        damagedNotes = report.damagedNotes
        damagedEvents = report.damagedEvents
        obstacle = report.obstacle?.remedy?.text
        notCopied = report.notCopied
        self.salvagedTo = salvagedTo
    }

    private static func name(_ fault: SalvageReport.Fault) -> String {
        switch fault {
        case .keySlotEmpty: "key_slot_empty"
        case .keySlotDamaged: "key_slot_damaged"
        case .recordAltered: "record_altered"
        case .unknownForm: "unknown_form"
        }
    }

    private static let explanations = [
        "key_slot_empty": "the key slot is empty, or cut off with the end of SLOTS",
        "key_slot_damaged": "the key slot was altered, or is another record's",
        "record_altered": "the record was altered",
        "unknown_form": "the entry does not have the form of a record",
    ]

    /// The same for people.
    var lines: [String] {
        let others = webhooks.map { ", \($0.counted("webhook"))" } ?? ""
        let opened =
            "\(connections.counted("connection"))\(others) and "
            + applications.counted("application")
        var lines = [salvagedTo.map { "copied to \($0): \(opened)" } ?? "these open: \(opened)"]
        for id in notCopied {
            lines.append("opens, but is too long to be copied: \(id)")
        }
        for (name, count) in unopened.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "\(count.counted("record")) cannot be opened: \(Self.explanations[name] ?? name)")
        }
        if erased > 0 {
            lines.append(
                "\(erased.counted("record")) erased by a disconnect that was cut short: nothing "
                    + "is lost")
        }
        if damagedPages > 0 {
            lines.append("\(damagedPages.counted("page")) of the database cannot be read")
        }
        if damagedNotes > 0 {
            lines.append(
                "\(damagedNotes.counted("note")) of a disconnect or a refresh under way cannot be "
                    + "opened")
        }
        if damagedEvents > 0 {
            lines.append(
                "\(damagedEvents.counted("event")) of the log cannot be opened: `tokenvault log` "
                    + "refuses it")
        }
        if !headerIsWhole { lines.append("one page of HEADER is damaged") }
        if let obstacle { lines.append("other commands refuse the vault: \(obstacle)") }
        lines.append(contentsOf: verdict)
        return lines
    }

    private var verdict: [String] {
        guard let expected else {
            return ["the vault's own count of its records (ROOT) is missing or cannot be opened"]
        }
        let counted = "the vault's own count is \(expected.counted("record"))"
        if matchesRoot { return ["\(counted), and it matches"] }
        return [
            "\(counted), and it does not match: one was altered or deleted, or an older version "
                + "was put back"
        ]
    }
}
