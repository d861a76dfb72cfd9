// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What is left of a vault, as JSON and people have it.
struct AuditForm: Codable, Sendable {
    var isWhole: Bool
    var connections: Int
    var applications: Int
    /// Records that do not open, by the reason.
    var unopened: [String: Int]
    var erased: Int
    var damagedPages: Int
    var expected: Int?
    var matchesRoot: Bool
    var headerIsWhole: Bool
    var damagedNotes: Int
    /// The ids of those that opened and are not in the new vault.
    var notCopied: [String]
    var salvagedTo: String?

    enum CodingKeys: String, CodingKey {
        case connections, applications, unopened, erased, expected
        case isWhole = "is_whole"
        case damagedPages = "damaged_pages"
        case matchesRoot = "matches_root"
        case headerIsWhole = "header_is_whole"
        case damagedNotes = "damaged_notes"
        case notCopied = "not_copied"
        case salvagedTo = "salvaged_to"
    }

    init(_ report: SalvageReport, salvagedTo: String?) {
        isWhole = report.isWhole
        connections = report.connections
        applications = report.applications
        var unopened: [String: Int] = [:]
        for (fault, count) in report.faults { unopened[Self.name(fault)] = count }
        self.unopened = unopened
        erased = report.erased
        damagedPages = report.damagedPages
        expected = report.expected
        matchesRoot = report.matchesRoot
        headerIsWhole = report.headerIsWhole
        damagedNotes = report.damagedNotes
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
        "key_slot_empty": "their key slot is empty, or cut off with the end of SLOTS",
        "key_slot_damaged": "their key slot was altered, or is another record's",
        "record_altered": "they were altered",
        "unknown_form": "they have not the form of a record",
    ]

    /// The same for people.
    var lines: [String] {
        let opened = "\(connections) connections and \(applications) applications"
        var lines = [salvagedTo.map { "copied to \($0): \(opened)" } ?? "open: \(opened)"]
        for id in notCopied {
            lines.append("opens, but is too long to be copied: \(id)")
        }
        for (name, count) in unopened.sorted(by: { $0.key < $1.key }) {
            lines.append("do not open: \(count), since \(Self.explanations[name] ?? name)")
        }
        if erased > 0 { lines.append("erased by a disconnect that was cut short: \(erased)") }
        if damagedPages > 0 {
            lines.append("pages of the database that cannot be read: \(damagedPages)")
        }
        if damagedNotes > 0 {
            lines.append("notes of disconnects or refreshes that do not open: \(damagedNotes)")
        }
        if !headerIsWhole { lines.append("one page of HEADER is damaged") }
        lines.append(contentsOf: verdict)
        return lines
    }

    private var verdict: [String] {
        if matchesRoot { return ["the vault counted \(expected ?? 0) records, and it matches"] }
        guard let expected else {
            return ["the vault's own count (ROOT) is missing or does not open"]
        }
        return [
            "the vault counted \(expected) records, and it does not match: one was altered, "
                + "deleted, or put back as it once was"
        ]
    }
}
