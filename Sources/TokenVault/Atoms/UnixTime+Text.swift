// SPDX-License-Identifier: Apache-2.0

extension UnixTime {
    /// The last moment of the year 9999; later ones are written as this one.
    package static let latest = UnixTime(milliseconds: 253_402_300_799_999)

    /// ISO 8601 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.
    package var text: String {
        let clamped = min(max(milliseconds, 0), Self.latest.milliseconds)
        let (days, rest) = clamped.quotientAndRemainder(dividingBy: 86_400_000)
        // Days to a date by eras of 400 years that begin in March (H. Hinnant,
        // "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        let date = "\(Self.digits(year, 4))-\(Self.digits(civilMonth, 2))-\(Self.digits(day, 2))"
        let time = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60]
            .map { Self.digits($0, 2) }.joined(separator: ":")
        return "\(date)T\(time).\(Self.digits(rest % 1000, 3))Z"
    }

    private static func digits(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension UnixTime {
    /// Reads what `text` writes, and nothing else.
    package init?(text: String) {
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
