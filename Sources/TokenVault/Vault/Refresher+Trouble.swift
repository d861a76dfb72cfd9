// SPDX-License-Identifier: Apache-2.0

// Why a connection is not refreshed: what this process has heard, and before it hears anything what
// the last one wrote down.
extension Refresher {
    /// By how many bytes a trouble makes a record longer: itself and three generations.
    private static let troubleBytesMax = 4 * (Fields.headBytes + 14)

    /// Writes what a refresh met into the record that it was made for. It decides nothing.
    func troubling(_ sent: Sent, _ entry: EventEntry) -> Revision {
        let trouble = ConnectionRecord.Failure(
            code: entry.code, status: Int32(clamping: entry.number), time: entry.time)
        return Revision(addedBytesMax: Self.troubleBytesMax) {
            [self] (record, header) throws(VaultError) in
            guard record.state == .active, isCurrent(record, header, sent) else { return .leave }
            try record.keepTokens(of: header.generation)
            try record.set(trouble: trouble)
            return .change
        }
    }

    /// What the record says of the last refresh, where nothing was heard since. What was said of
    /// other credentials of the application counts for nothing.
    func trouble(
        of record: borrowing ConnectionRecord, generation: UInt64
    ) -> ConnectionRecord.Failure? {
        guard let trouble = record.trouble else { return nil }
        guard trouble.code == VaultEvent.Kind.applicationRejected.code,
            let application = record.application
        else { return trouble }
        let lane = lane(application)
        let changed = shared.withLock { $0.upkeep.lanes[lane].changed.generation }
        return record.troubleSince ?? generation > changed ? trouble : nil
    }
}
