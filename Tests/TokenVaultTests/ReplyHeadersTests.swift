// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite("Header fields of an answer")
struct ReplyHeadersTests {
    static func headers(_ lines: [String]) -> ReplyHeaders {
        var headers = ReplyHeaders()
        for line in lines {
            let bytes = Array("\(line)\r\n".utf8)
            _ = unsafe headers.take(bytes.span.bytes)
        }
        return headers
    }

    static func date(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        return unsafe HTTPDate.parse(bytes.span.bytes)?.seconds
    }

    static let dateTexts: [(String, Int64?)] = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ("Thu, 29 Feb 2023 00:00:00 GMT", nil), ("Sun, 31 Apr 2024 00:00:00 GMT", nil),
        ("Sun, 00 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 24:00:00 GMT", nil),
        ("Sun, 06 Nov 1994 08:60:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:61 GMT", nil),
        ("Sun, 06 Nov 1994 08:49:37 PST", nil), ("Sun, 06 Nov 1994", nil), ("0", nil), ("", nil),
        ("Sun, 06 Nov 1994 08:49:37 GMT 7 8", nil), ("Sun, 06 Nov 19944 08:49:37 GMT", nil),
        ("Sun, 06 Nov 1994 08:49:37 GMT                        ", nil),
    ]

    @Test("dates in all three forms", arguments: dateTexts)
    func dates(text: String, seconds: Int64?) {
        #expect(Self.date(text) == seconds)
    }

    @Test("Retry-After in seconds: bounded, digits alone")
    func seconds() {
        let now = UnixTime(seconds: 0)
        for (value, seconds) in [
            ("0", 0), ("120", 120), (" 7 ", 7), ("86400", 86_400), ("86401", 86_400),
            ("99999999999999999999999", 86_400), ("-1", nil), ("1.5", nil), ("soon", nil),
            ("", nil),
        ] as [(String, Int64?)] {
            let found = Self.headers(["retry-AFTER:\(value)"]).retryAfterSeconds(now: now)
            #expect(found == seconds, "\(value)")
        }
    }

    @Test("Retry-After as a date: against the answer's own clock, else against ours")
    func dateForm() {
        let retry = "Retry-After: Sun, 06 Nov 1994 08:51:37 GMT"
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT"
        let farOff = UnixTime(seconds: 2_000_000_000)
        #expect(Self.headers([date, retry]).retryAfterSeconds(now: farOff) == 120)
        #expect(Self.headers([retry, date]).retryAfterSeconds(now: farOff) == 120)
        #expect(Self.headers([retry]).retryAfterSeconds(now: farOff) == 0)
        let near = UnixTime(milliseconds: 784_111_890_500)
        #expect(Self.headers([retry]).retryAfterSeconds(now: near) == 7)
        let early = UnixTime(seconds: 0)
        #expect(Self.headers([retry]).retryAfterSeconds(now: early) == 86_400)
    }

    @Test("an interim answer's fields do not count, nor do others")
    func others() {
        let headers = Self.headers([
            "HTTP/1.1 103 Early Hints", "Retry-After: 5", "Date: Sun, 06 Nov 1994 08:49:37 GMT", "",
            "HTTP/1.1 200 OK", "Set-Cookie: Retry-After: 9", "Dates: x", "R", "",
        ])
        #expect(headers.retryAfterSeconds(now: UnixTime(seconds: 0)) == nil)
        #expect(headers.date?.moment == nil)
    }

    @Test("more than 64 KiB of fields are refused")
    func limit() {
        var headers = ReplyHeaders()
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1024)
        for _ in 0..<64 {
            let taken = unsafe headers.take(line.span.bytes)
            #expect(taken)
        }
        let taken = unsafe headers.take(line.span.bytes)
        #expect(!taken)
    }
}
