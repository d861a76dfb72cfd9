// SPDX-License-Identifier: Apache-2.0

/// A date in one of HTTP's three forms (RFC 9110 section 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
///
/// `curl_getdate` is no substitute: it takes 29 Feb 2023 for 1 March, a date without a time for
/// midnight, 19944 for a year, other zones than GMT and what follows the date. An expiry would be
/// reckoned from that.
package enum HTTPDate {
    /// The longest that is read, in bytes; the longest form has 33.
    static let byteCountMax = 40

    /// One that was received, and is read when somebody asks: few do.
    package struct Text: Sendable {
        private var stored = InlineArray<40, UInt8>(repeating: 0)
        private let byteCount: Int

        /// Nil where it is longer than any date.
        init?(_ text: RawSpan) {
            guard text.byteCount <= HTTPDate.byteCountMax else { return nil }
            byteCount = text.byteCount
            var elements = stored.mutableSpan
            var output = unsafe elements.mutableBytes
            output.store(text, at: 0)
        }

        /// Nil where it is no such date.
        var moment: UnixTime? {
            let elements = stored.span
            return unsafe HTTPDate.parse(elements.bytes.extracting(0..<byteCount))
        }
    }

    /// Nil where it is no such date. Years 1970 to 9999; the day's name is not checked.
    static func parse(_ text: RawSpan) -> UnixTime? {
        guard text.byteCount <= byteCountMax else { return nil }
        var day: Int?
        var month: Int?
        var year: Int?
        var secondOfDay: Int?
        var isFirst = true
        var index = 0
        while let word = nextWord(text, from: &index) {
            defer { isFirst = false }
            if isFirst { continue }
            let span = text.extracting(word)
            if let number = number(span) {
                if day == nil {
                    day = number
                } else if year == nil {
                    year = word.count == 2 ? number + (number < 70 ? 2000 : 1900) : number
                } else {
                    return nil
                }
            } else if let time = time(span), secondOfDay == nil {
                secondOfDay = time
            } else if let named = self.month(span), month == nil {
                month = named
            } else if !span.equalsText("GMT") {
                return nil
            }
        }
        guard let day, let month, let year, let secondOfDay, (1970...9999).contains(year),
            (1...CivilDate.daysInMonth(month, year: year)).contains(day)
        else { return nil }
        return UnixTime(
            seconds: Int64(CivilDate.daysSinceEpoch(year, month, day)) * 86_400 + Int64(secondOfDay)
        )
    }

    private static func nextWord(_ text: RawSpan, from index: inout Int) -> Range<Int>? {
        func separates(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "-")
        }
        while index < text.byteCount, separates(text.byte(at: index)) { index += 1 }
        let start = index
        while index < text.byteCount, !separates(text.byte(at: index)) { index += 1 }
        return start < index ? start..<index : nil
    }

    private static func number(_ word: RawSpan) -> Int? {
        guard (1...4).contains(word.byteCount) else { return nil }
        var number = 0
        for index in 0..<word.byteCount {
            let digit = word.byte(at: index)
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }

    /// `hh:mm:ss`; second 60 is a leap second.
    private static func time(_ word: RawSpan) -> Int? {
        guard word.byteCount == 8, word.byte(at: 2) == UInt8(ascii: ":"),
            word.byte(at: 5) == UInt8(ascii: ":"),
            let hour = number(word.extracting(0..<2)), hour < 24,
            let minute = number(word.extracting(3..<5)), minute < 60,
            let second = number(word.extracting(6..<8)), second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func month(_ word: RawSpan) -> Int? {
        for (index, name) in months.enumerated() where word.equalsText(name) { return index + 1 }
        return nil
    }
}
