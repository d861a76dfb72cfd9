// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension UnixTime {
    /// The time of the day in UTC, to the second and rounded up, with the date before it where that
    /// is not today's.
    var timeOfDay: String {
        let whole = adding(milliseconds: 999).text
        let isToday = whole.prefix(10) == SystemTime().now().text.prefix(10)
        return "\(isToday ? whole.dropFirst(11).prefix(8) : whole.prefix(19))Z"
    }

    /// How far away it is from `now`, for people: `in 59 min`, `3 days ago`.
    func distance(from now: UnixTime) -> String {
        let seconds = milliseconds(since: now) / 1000
        let amount = seconds.magnitude
        let words =
            switch amount {
            case ..<120: "\(amount) s"
            case ..<7200: "\(amount / 60) min"
            case ..<172_800: "\(amount / 3600) h"
            default: "\(amount / 86_400) days"
            }
        return seconds < 0 ? "\(words) ago" : "in \(words)"
    }
}
