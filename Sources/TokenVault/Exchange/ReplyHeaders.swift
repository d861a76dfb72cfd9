// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The header fields of an answer that matter here, out of those that curl has kept: not those of
/// an interim answer (1xx), nor those behind a body in chunks.
struct ReplyHeaders {
    /// How the body was coded, beside chunks.
    private(set) var coding = Coding.none
    /// Whether the body comes in chunks.
    private(set) var isChunked = false
    /// How many bytes of header fields arrived, of all kinds.
    private var byteCount = 0

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
    /// How many fields of one name are read. curl goes through all that came for each of them, and
    /// undoes no more than five codings.
    static let repeatsMax = 8
    /// The longest `Retry-After` that is believed, in seconds: a day. Longer ones count as a day.
    static let retryAfterSecondsMax: Int64 = 86_400

    /// Takes one line as curl hands it over, status lines and line ends included. False where the
    /// answer has more header bytes than `byteCountMax`.
    mutating func take(_ line: RawSpan, of easy: borrowing CurlEasy) -> Bool {
        byteCount += line.byteCount
        guard byteCount <= Self.byteCountMax else { return false }
        // curl keeps a field after it has handed it over. Behind the last is an empty line.
        guard line.byteCount <= 2 else { return true }
        (coding, isChunked) = (.none, false)
        for name in ["Content-Encoding", "Transfer-Encoding"] as [StaticString] {
            easy.readFields(name, first: Self.repeatsMax) { note(codings: $0) }
        }
        return true
    }

    /// No name of a coding has a blank or a comma in it.
    private mutating func note(codings list: RawSpan) {
        var start = 0
        for end in 0...list.byteCount {
            if end < list.byteCount, ![0x09, 0x20, 0x2C].contains(list.byte(at: end)) { continue }
            note(coding: list.extracting(start..<end))
            start = end + 1
        }
    }

    /// Whether a name is this one, which is in small letters, without regard to case.
    private static func isNamed(_ name: RawSpan, _ text: StaticString) -> Bool {
        name.byteCount == text.utf8CodeUnitCount
            && (0..<name.byteCount).allSatisfy {
                unsafe name.byte(at: $0) | 0x20 == text.utf8Start[$0]
            }
    }

    private mutating func note(coding name: RawSpan) {
        func isNamed(_ text: StaticString) -> Bool { Self.isNamed(name, text) }
        if name.byteCount == 0 || isNamed("identity") { return }
        if isNamed("chunked") { return isChunked = true }
        let known: Coding =
            if isNamed("gzip") || isNamed("x-gzip") { .gzip } else {
                isNamed("deflate") ? .deflate : .unknown
            }
        coding = coding == .none ? known : .unknown
    }

    /// The value of `Date` (RFC 9110 section 6.6.1).
    static func date(of easy: borrowing CurlEasy) -> HTTPDate.Text? {
        var date: HTTPDate.Text?
        easy.readFields("Date", first: 1) { date = HTTPDate.Text($0) }
        return date
    }

    /// Whether `Content-Type` (RFC 9110 section 8.3) is one that forms are sent as.
    static func namesForm(of easy: borrowing CurlEasy) -> Bool {
        var isForm = false
        easy.readFields("Content-Type", first: 1) { value in
            var end = 0
            while end < value.byteCount, ![0x09, 0x20, 0x3B].contains(value.byte(at: end)) {
                end += 1
            }
            let type = value.extracting(0..<end)
            isForm =
                isNamed(type, "application/x-www-form-urlencoded") || isNamed(type, "text/plain")
        }
        return isForm
    }

    /// `Retry-After` (RFC 9110 section 10.2.3) in seconds, 0 to `retryAfterSecondsMax`. A date is
    /// measured against the answer's own `date`, so that our clock's error does not matter, and
    /// against our clock where there is none.
    ///
    /// `CURLINFO_RETRY_AFTER` would always take our clock; it says 0 where there is no such field,
    /// and 1 for `1.5`.
    static func retryAfterSeconds(
        of easy: borrowing CurlEasy, date: HTTPDate.Text?
    ) -> Int64? {
        var found: Int64?
        easy.readFields("Retry-After", first: 1) { value in
            found = seconds(value)
            guard found == nil, let moment = HTTPDate.parse(value) else { return }
            found = moment.seconds - (date?.moment?.seconds ?? Int64(time(nil)))
        }
        return found.map { min(max($0, 0), retryAfterSecondsMax) }
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
