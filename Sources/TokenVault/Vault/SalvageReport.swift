// SPDX-License-Identifier: Apache-2.0

/// What is left of a vault: how much of it opens, and why the rest does not.
///
/// Nobody can say which connections those were that do not open: in the database they are blinded
/// keys. Compare the list of the new vault with your own.
public struct SalvageReport: Sendable, Hashable {
    /// Why an entry of the database does not open.
    @nonexhaustive
    public enum Fault: String, Sendable, CaseIterable {
        /// Its key slot is zeros or random bytes, or lies beyond the end of SLOTS: the data key is
        /// gone.
        case keySlotEmpty
        /// Its key slot does not open, or is another record's: SLOTS was altered.
        case keySlotDamaged
        /// Its key slot opens and the record does not: the database was altered.
        case recordAltered
        /// It has not the form of a record.
        case unknownForm
    }

    /// How many connections opened, those being disconnected too.
    public let connections: Int
    /// How many applications did.
    public let applications: Int
    /// How many webhooks did.
    public let webhooks: Int
    /// How many keys of the JSON API did.
    public let apiKeys: Int
    /// How many entries did not open, by the reason.
    public let faults: [Fault: Int]
    /// Entries that a disconnect had erased already but for their deletion: nothing was lost.
    public let erased: Int
    /// How many pages of the database cannot be read. What was on them stands nowhere else here.
    public let damagedPages: Int
    /// How many records the vault counted itself; nil where its ROOT is missing or does not open.
    public let expected: Int?
    /// Whether count and store MAC are as ROOT says. Where not, a record was altered, deleted, or
    /// put back as it once was, which no record tells by itself.
    public let matchesRoot: Bool
    /// Whether HEADER has two intact pages.
    public let headerIsWhole: Bool
    /// What would keep the vault from being used though every record opens: `vaultIncomplete` where
    /// LOCK is missing, `unsafeDirectory` where the directory or a file in it is a link, not ours,
    /// or open to others; else what an open or its verification would throw, such as
    /// `integrityFailed` where SLOTS holds what no record explains. The first that was found; nil
    /// where there is nothing, or where damage was found.
    public let obstacle: VaultError?
    /// How many notes of disconnects and of refreshes under way do not open.
    public let damagedNotes: Int
    /// How many entries of the log do not open: it is refused from there on.
    public let damagedEvents: Int
    /// The ids of connections, applications and webhooks that opened and are not in the new vault:
    /// their records are so long that they have no room for what a copy adds (42 bytes at most).
    public let notCopied: [String]

    /// How many records opened: connections, applications, webhooks and keys of the JSON API.
    public var opened: Int { connections + applications + webhooks + apiKeys }
    /// Whether anything is not what was written. What could not be copied is no damage.
    public var isDamaged: Bool {
        !faults.isEmpty || damagedPages > 0 || damagedNotes > 0 || damagedEvents > 0
            || !matchesRoot || !headerIsWhole
    }
    /// Whether nothing was found that should not be.
    public var isWhole: Bool { !isDamaged && obstacle == nil }

    init(_ salvage: Salvage) {
        let findings = salvage.findings
        connections = findings.connectionCount
        applications = findings.applicationCount
        webhooks = findings.webhookCount
        apiKeys = findings.apiKeyCount
        var faults: [Fault: Int] = [:]
        for (fault, count) in findings.faults { faults[Fault(fault)] = count }
        self.faults = faults
        erased = findings.erasedCount
        damagedPages = findings.damagedPages
        expected = findings.root.map { Int(clamping: $0.recordCount) }
        matchesRoot = findings.matchesRoot
        headerIsWhole = salvage.header.isWhole
        obstacle = salvage.obstacle
        damagedNotes = findings.damagedMeta
        damagedEvents = findings.damagedEvents
        notCopied = findings.notCopied
    }
}

extension SalvageReport.Fault {
    fileprivate init(_ fault: SalvageFindings.Fault) {
        switch fault {
        case .keySlotEmpty: self = .keySlotEmpty
        case .keySlotDamaged: self = .keySlotDamaged
        case .recordAltered: self = .recordAltered
        case .unknownForm: self = .unknownForm
        }
    }
}
