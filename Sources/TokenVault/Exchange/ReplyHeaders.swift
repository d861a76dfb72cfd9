// SPDX-License-Identifier: Apache-2.0

/// The header fields of an answer that matter here, read as they arrive. `Set-Cookie` and all
/// others are passed over.
struct ReplyHeaders {
    /// The value of `Date` (RFC 9110 section 6.6.1).
    private(set) var date: HTTPDate.Text?
    /// How the body was coded, beside chunks.
    private(set) var coding = Coding.none
    /// Whether the body comes in chunks.
    private(set) var isChunked = false
    /// How many bytes of header fields arrived.
    private(set) var byteCount = 0
    private var retryAfter: RetryAfter?

    private enum RetryAfter {
        case seconds(Int64)
        case date(UnixTime)
    }

    /// What `Content-Encoding` (RFC 9110 section 8.4) or `Transfer-Encoding` says.
    enum Coding {
        case none
        /// What curl undoes with zlib, which frees what it used through curl's allocators.
        case gzip, deflate
        /// Another one, or several on top of each other.
        case unknown
    }

    /// The most header bytes of one answer.
    static let byteCountMax = 65_536
    /// The longest `Retry-After` that is believed, in seconds: a day. Longer ones count as a day.
    static let retryAfterSecondsMax: Int64 = 86_400

    /// Takes one line as curl hands it over, status lines and line ends included. False where the
    /// answer has more header bytes than `byteCountMax`.
    mutating func take(_ line: RawSpan) -> Bool {
        let total = byteCount + line.byteCount
        guard total <= Self.byteCountMax else { return false }
        byteCount = total
        guard line.byteCount >= 5 else { return true }
        // An interim answer (1xx) was before this one.
        switch line.byte(at: 0) | 0x20 {
        case UInt8(ascii: "h") where Self.value(of: line, named: "http/", ends: false) != nil:
            date = nil
            retryAfter = nil
            coding = .none
            isChunked = false
        case UInt8(ascii: "c"):
            guard let range = Self.value(of: line, named: "content-encoding:", ends: true) else {
                break
            }
            note(codings: line.extracting(range))
        case UInt8(ascii: "t"):
            guard let range = Self.value(of: line, named: "transfer-encoding:", ends: true) else {
                break
            }
            note(codings: line.extracting(range))
        case UInt8(ascii: "d"):
            guard let range = Self.value(of: line, named: "date:", ends: true) else { break }
            date = HTTPDate.Text(line.extracting(range))
        case UInt8(ascii: "r"):
            guard let range = Self.value(of: line, named: "retry-after:", ends: true) else { break }
            let value = line.extracting(range)
            retryAfter =
                Self.seconds(value).map { .seconds($0) } ?? HTTPDate.parse(value).map { .date($0) }
        default: break
        }
        return true
    }

    private mutating func note(codings list: RawSpan) {
        var start = 0
        while start <= list.byteCount {
            var end = start
            while end < list.byteCount, list.byte(at: end) != UInt8(ascii: ",") { end += 1 }
            note(coding: Self.trimmed(list, start..<end))
            start = end + 1
        }
    }

    private mutating func note(coding name: RawSpan) {
        func isNamed(_ text: StaticString) -> Bool {
            name.byteCount == text.utf8CodeUnitCount
                && Self.value(of: name, named: text, ends: false) != nil
        }
        if name.byteCount == 0 || isNamed("identity") { return }
        if isNamed("chunked") { return isChunked = true }
        let known: Coding =
            if isNamed("gzip") || isNamed("x-gzip") { .gzip } else {
                isNamed("deflate") ? .deflate : .unknown
            }
        coding = coding == .none ? known : .unknown
    }

    @_lifetime(copy line)
    private static func trimmed(_ line: RawSpan, _ range: Range<Int>) -> RawSpan {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, line.byte(at: start) <= 0x20 { start += 1 }
        while end > start, line.byte(at: end - 1) <= 0x20 { end -= 1 }
        return line.extracting(start..<end)
    }

    /// `Retry-After` (RFC 9110 section 10.2.3) in seconds, 0 to `retryAfterSecondsMax`. A date
    /// is measured against the answer's own `Date`, so that our clock's error does not matter, and
    /// against `now` where there is none.
    func retryAfterSeconds(now: UnixTime) -> Int64? {
        switch retryAfter {
        case nil: return nil
        case .seconds(let seconds): return min(seconds, Self.retryAfterSecondsMax)
        case .date(let moment):
            let milliseconds = moment.milliseconds(since: date?.moment ?? now)
            // Rounded up: a little late is right, a little early is not.
            let seconds = milliseconds <= 0 ? 0 : (milliseconds - 1) / 1000 + 1
            return min(seconds, Self.retryAfterSecondsMax)
        }
    }

    /// Where the field's value is in the line, without white space round it.
    private static func value(
        of line: RawSpan, named name: StaticString, ends: Bool
    ) -> Range<Int>? {
        let count = name.utf8CodeUnitCount
        guard line.byteCount >= count else { return nil }
        for index in 0..<count {
            let byte = line.byte(at: index)
            let letter = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            if unsafe letter != name.utf8Start[index] { return nil }
        }
        guard ends else { return count..<count }
        var start = count
        var end = line.byteCount
        while start < end, line.byte(at: start) <= 0x20 { start += 1 }
        while end > start, line.byte(at: end - 1) <= 0x20 { end -= 1 }
        return start..<end
    }

    /// Digits alone; saturates at `retryAfterSecondsMax`.
    private static func seconds(_ value: RawSpan) -> Int64? {
        guard value.byteCount > 0 else { return nil }
        var seconds: Int64 = 0
        for index in 0..<value.byteCount {
            let digit = value.byte(at: index)
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            seconds = min(seconds * 10 + Int64(digit - UInt8(ascii: "0")), retryAfterSecondsMax)
        }
        return seconds
    }
}
