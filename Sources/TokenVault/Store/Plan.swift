// SPDX-License-Identifier: Apache-2.0

/// When a connection is refreshed next, in which queue, and how urgent that is.
struct Plan: Equatable {
    let queue: Int
    /// Nil where nothing comes to an end: it is refreshed when somebody wants it.
    let due: UnixTime?
    /// When it is of no use any more if nothing is done: what ends first is refreshed first. Kept
    /// to the second, and at most 18 hours after `due`: what has longer is not urgent.
    let death: UnixTime

    init(queue: Int, due: UnixTime?, death: UnixTime) {
        self.queue = queue
        self.due = due
        self.death = death
    }

    /// From an entry of the schedule, which has four bytes to spare.
    init(due: UnixTime, tag: UInt32) {
        queue = Int(tag & 0xffff)
        self.due = due
        death = due.adding(milliseconds: Int64(tag >> 16) * 1000)
    }

    /// Queue and lead of the death over the deadline, in four bytes.
    var tag: UInt32 {
        let lead = due.map { UInt16(clamping: death.milliseconds(since: $0) / 1000) } ?? 0
        return UInt32(UInt16(clamping: queue)) | UInt32(lead) << 16
    }
}
