// SPDX-License-Identifier: Apache-2.0

/// What a salvage found in the database of a damaged vault, entry by entry.
struct SalvageFindings {
    /// Why a record does not open.
    enum Fault {
        /// Its key slot is zeros or random bytes, or lies beyond the end of SLOTS.
        case keySlotEmpty
        /// Its key slot does not open, or is another record's.
        case keySlotDamaged
        /// The key slot opens, and the record does not.
        case recordAltered
        /// It has not the form of a record.
        case unknownForm
    }

    /// The generation of each record that opened.
    var opened: [RecordKey: UInt64] = [:]
    var connectionCount = 0
    var applicationCount = 0
    var webhookCount = 0
    var apiKeyCount = 0
    var faults: [Fault: Int] = [:]
    /// Records of which an erasure has come as far as the slot.
    var erasedCount = 0
    /// The ids of those that opened, and that the new vault cannot take.
    var notCopied: [String] = []
    /// Pages of the database that could not be read.
    var damagedPages = 0
    /// Entries of `meta` other than ROOT that do not open.
    var damagedMeta = 0
    /// Entries of the log that do not open.
    var damagedEvents = 0
    /// Nil where it is missing or does not open.
    var root: Root?
    /// Count and store MAC of what is there.
    var entryCount: UInt64 = 0
    var mac = StoreMAC()
    var fences: [RecordKey: Fence] = [:]
    var attempts: [(batch: UInt64, attempt: AttemptRecord, recorded: UnixTime)] = []

    /// Whether count and store MAC are ROOT's.
    var matchesRoot: Bool { root.map { $0.recordCount == entryCount && $0.mac == mac } ?? false }
    /// Whether anything is not what was written.
    var isDamaged: Bool {
        !faults.isEmpty || damagedPages > 0 || damagedMeta > 0 || damagedEvents > 0 || !matchesRoot
    }
    /// Beyond what is known, where the newest state is not: none is given out twice.
    private static let lostGenerationsMax: UInt64 = 1 << 32

    /// The last generation that may have been given out.
    var lastGeneration: UInt64 {
        let known = max(root?.generation ?? 0, opened.values.max() ?? 0)
        let isWhole = root != nil && damagedPages == 0
        return isWhole ? known : known.addingReportingOverflow(Self.lostGenerationsMax).partialValue
    }
}
