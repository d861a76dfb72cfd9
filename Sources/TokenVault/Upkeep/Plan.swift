// SPDX-License-Identifier: Apache-2.0

/// When a connection is refreshed next, in which lane, and how urgent that is.
struct Plan: Equatable {
    let lane: Int
    /// Nil where nothing comes to an end: it is refreshed when somebody wants it.
    let due: UnixTime?
    /// When it is of no use any more if nothing is done: who dies first is refreshed first. Kept to
    /// the second, and at most 18 hours after `due`: who has longer is not urgent.
    let death: UnixTime

    init(lane: Int, due: UnixTime?, death: UnixTime) {
        self.lane = lane
        self.due = due
        self.death = death
    }

    /// From an entry of the schedule, which has four bytes to spare.
    init(due: UnixTime, tag: UInt32) {
        lane = Int(tag & 0xffff)
        self.due = due
        death = due.adding(milliseconds: Int64(tag >> 16) * 1000)
    }

    /// Lane and lead of the death over the deadline, in four bytes.
    var tag: UInt32 {
        let lead = due.map { UInt16(clamping: death.milliseconds(since: $0) / 1000) } ?? 0
        return UInt32(UInt16(clamping: lane)) | UInt32(lead) << 16
    }
}
