// SPDX-License-Identifier: Apache-2.0

/// A moment as RFC 3339 section 5.6 writes it: `2026-11-24T02:00:00.5+01:00`.
///
/// Without an offset it says nothing: the clock of a server's place is not known here. What some
/// servers write instead is read too: a space for the `T`, and offsets without their colon or
/// without minutes (ISO 8601).
enum InternetTime {
    /// The longest that is read, in bytes: nine digits of a second are enough for anybody.
    static let byteCountMax = 40

    /// Nil where it is malformed. Years 1970 to 9999, rounded down to whole milliseconds.
    static func parse(_ text: RawSpan) -> UnixTime? {
        guard (20...byteCountMax).contains(text.byteCount),
            let year = number(text, 0..<4), (1970...9999).contains(year),
            text.byte(at: 4) == UInt8(ascii: "-"), let month = number(text, 5..<7),
            (1...12).contains(month), text.byte(at: 7) == UInt8(ascii: "-"),
            let day = number(text, 8..<10),
            (1...CivilDate.daysInMonth(month, year: year)).contains(day),
            ["T", "t", " "].contains(Unicode.Scalar(text.byte(at: 10))),
            let hour = number(text, 11..<13), hour < 24, text.byte(at: 13) == UInt8(ascii: ":"),
            let minute = number(text, 14..<16), minute < 60,
            text.byte(at: 16) == UInt8(ascii: ":"),
            // Second 60 is a leap second.
            let second = number(text, 17..<19), second <= 60
        else { return nil }
        var offset = 19
        guard let milliseconds = fraction(text, &offset),
            let minutesEast = minutesEast(text.extracting(offset..<text.byteCount))
        else { return nil }
        let days = Int64(CivilDate.daysSinceEpoch(year, month, day))
        let minutes = days * 1440 + Int64(hour * 60 + minute - minutesEast)
        return UnixTime(milliseconds: (minutes * 60 + Int64(second)) * 1000 + milliseconds)
    }

    private static func number(_ text: RawSpan, _ range: Range<Int>) -> Int? {
        guard range.upperBound <= text.byteCount else { return nil }
        var number = 0
        for index in range {
            let digit = text.byte(at: index) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    /// The fraction of a second at `offset` in milliseconds, 0 where there is none; nil where it
    /// has no digits.
    private static func fraction(_ text: RawSpan, _ offset: inout Int) -> Int64? {
        guard offset < text.byteCount, text.byte(at: offset) == UInt8(ascii: ".") else { return 0 }
        offset += 1
        let start = offset
        var (milliseconds, unit) = (Int64(0), Int64(100))
        while offset < text.byteCount, let digit = number(text, offset..<offset + 1) {
            milliseconds += Int64(digit) * unit
            unit /= 10
            offset += 1
        }
        return offset > start ? milliseconds : nil
    }

    /// By how many minutes the clock of an offset is ahead of UTC.
    private static func minutesEast(_ offset: RawSpan) -> Int? {
        if offset.equalsText("Z") || offset.equalsText("z") { return 0 }
        guard offset.byteCount >= 3, let hours = number(offset, 1..<3), hours < 24 else {
            return nil
        }
        let minutes: Int?
        switch offset.byteCount {
        case 3: minutes = 0
        case 5: minutes = number(offset, 3..<5)
        case 6 where offset.byte(at: 3) == UInt8(ascii: ":"): minutes = number(offset, 4..<6)
        default: minutes = nil
        }
        guard let minutes, minutes < 60 else { return nil }
        switch offset.byte(at: 0) {
        case UInt8(ascii: "+"): return hours * 60 + minutes
        case UInt8(ascii: "-"): return -(hours * 60 + minutes)
        default: return nil
        }
    }
}
