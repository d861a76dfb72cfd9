// SPDX-License-Identifier: Apache-2.0

/// Numbers as JSON writes them (RFC 8259 section 6), read without floating point.
enum JSONNumber {
    /// More digits of an exponent than this change nothing: the value is 0 or past every limit.
    private static let exponentMax = 100_000

    /// The number that is the whole of `text`, rounded down, at most `Int64.max`. Nil where the
    /// text is no number (also `NaN`, `Infinity`, `+1`, `01`, white space) and where it is below
    /// zero.
    static func roundedDown(_ text: RawSpan) -> Int64? {
        var offset = 0
        let whole = digits(text, &offset)
        guard !whole.isEmpty, whole.count == 1 || text.byte(at: 0) != UInt8(ascii: "0") else {
            return nil
        }
        var fraction = offset..<offset
        if offset < text.byteCount, text.byte(at: offset) == UInt8(ascii: ".") {
            offset += 1
            fraction = digits(text, &offset)
            guard !fraction.isEmpty else { return nil }
        }
        var exponent = 0
        if offset < text.byteCount, text.byte(at: offset) | 0x20 == UInt8(ascii: "e") {
            offset += 1
            guard let read = signedExponent(text, &offset) else { return nil }
            exponent = read
        }
        guard offset == text.byteCount else { return nil }

        // The digits of both ranges, of which the first `places` stand before the decimal point.
        let places = whole.count + exponent
        var value: Int64 = 0
        for place in 0..<max(0, places) {
            var digit: Int64 = 0
            if place < whole.count {
                digit = digitValue(text, whole.lowerBound + place)
            } else if place - whole.count < fraction.count {
                digit = digitValue(text, fraction.lowerBound + place - whole.count)
            } else if value == 0 {
                return 0
            }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = product.addingReportingOverflow(digit)
            if tooLarge || stillTooLarge { return .max }
            value = sum
        }
        return value
    }

    private static func digits(_ text: RawSpan, _ offset: inout Int) -> Range<Int> {
        let start = offset
        while offset < text.byteCount, text.byte(at: offset) &- UInt8(ascii: "0") < 10 {
            offset += 1
        }
        return start..<offset
    }

    private static func signedExponent(_ text: RawSpan, _ offset: inout Int) -> Int? {
        var isNegative = false
        if offset < text.byteCount {
            let sign = text.byte(at: offset)
            isNegative = sign == UInt8(ascii: "-")
            if isNegative || sign == UInt8(ascii: "+") { offset += 1 }
        }
        let range = digits(text, &offset)
        guard !range.isEmpty else { return nil }
        var value = 0
        for index in range { value = min(exponentMax, value * 10 + Int(digitValue(text, index))) }
        return isNegative ? -value : value
    }

    private static func digitValue(_ text: RawSpan, _ index: Int) -> Int64 {
        Int64(text.byte(at: index) - UInt8(ascii: "0"))
    }
}
