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
