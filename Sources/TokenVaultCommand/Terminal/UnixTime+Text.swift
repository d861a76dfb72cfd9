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

extension UnixTime {
    /// Reads what `text` writes, and nothing else.
    init?(text: String) {
        let numbers = text.split { !$0.isNumber }.compactMap { Int64($0) }
        // None has more than four digits; else what follows could overflow.
        guard text.utf8.count == 24, numbers.count == 7, numbers.allSatisfy({ $0 <= 9999 }),
            (1...12).contains(numbers[1])
        else { return nil }
        let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let month = numbers[1] > 2 ? numbers[1] - 3 : numbers[1] + 9
        let dayOfYear = (153 * month + 2) / 5 + numbers[2] - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let seconds = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        self.init(milliseconds: seconds * 1000 + numbers[6])
        guard self.text == text else { return nil }
    }
}
