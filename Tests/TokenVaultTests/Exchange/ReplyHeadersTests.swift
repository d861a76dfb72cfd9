// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import TokenVault

@Suite("Header fields of an answer", .serialized)
struct ReplyHeadersTests {
    /// What curl and we make of these lines before a body of no bytes.
    static func reply(_ lines: [String], status: Int = 503) throws -> ReplySummary {
        let head = ["HTTP/1.1 \(status) It"] + lines + ["Content-Length: 0", "", ""]
        let server = try ScriptedServer { _ in .raw(head.joined(separator: "\r\n")) }
        defer { server.stop() }
        return try CurlTransport.forTests().answer(server.origin)
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
    func seconds() throws {
        for (value, seconds) in [
            ("0", 0), ("120", 120), (" 7 ", 7), ("86400", 86_400), ("86401", 86_400),
            ("99999999999999999999999", 86_400), ("-1", nil), ("1.5", nil), ("soon", nil),
            ("", nil),
        ] as [(String, Int64?)] {
            let reply = try Self.reply(["retry-AFTER:\(value)"])
            #expect(reply.failure == nil && reply.retryAfterSeconds == seconds, "\(value)")
        }
    }

    @Test("Retry-After as a date: against the answer's own clock, else against ours")
    func dateForm() throws {
        let retry = "Retry-After: Sun, 06 Nov 1994 08:51:37 GMT"
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(try Self.reply([date, retry]).retryAfterSeconds == 120)
        #expect(try Self.reply([retry, date]).retryAfterSeconds == 120)
        #expect(try Self.reply([retry]).retryAfterSeconds == 0)
        let far = "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"
        #expect(try Self.reply([far]).retryAfterSeconds == 86_400)
        let near = TokenExpiryTests.dateText(Int64(time(nil)) + 1000)
        let seconds = try #require(try Self.reply(["Retry-After: \(near)"]).retryAfterSeconds)
        #expect((900...1000).contains(seconds))
    }

    @Test("an interim answer's fields do not count, nor those behind the body, nor others")
    func others() throws {
        let fields = "Retry-After: 5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        let coded = "\(fields)Content-Encoding: gzip\r\n"
        let head = "HTTP/1.1 503 No\r\nSet-Cookie: Retry-After: 9\r\nDates: x\r\n"
        for answer in [
            "HTTP/1.1 103 Early Hints\r\n\(coded)\r\n\(head)Content-Length: 2\r\n\r\n{}",
            "HTTP/1.1 100 Continue\r\n\(coded)\r\n\(head)Content-Length: 2\r\n\r\n{}",
            "\(head)Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\(fields)\r\n",
        ] {
            let server = try ScriptedServer { _ in .raw(answer) }
            defer { server.stop() }
            let reply = try CurlTransport.forTests().answer(server.origin)
            #expect(reply.failure == nil && reply.status == 503 && reply.body == "{}", "\(answer)")
            #expect(reply.retryAfterSeconds == nil && reply.date == nil, "\(answer)")
        }
    }

    @Test("the fields of one answer are not those of the next")
    func handleUsedAgain() throws {
        let server = try ScriptedServer { request in
            request.number > 1
                ? .reply(status: 503)
                : .reply(
                    status: 503,
                    headers: ["Retry-After: 5", "Date: Sun, 06 Nov 1994 08:49:37 GMT"])
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).retryAfterSeconds == 5)
        let next = try transport.answer(server.origin)
        #expect(next.retryAfterSeconds == nil && next.date == nil)
        #expect(server.connectionCount == 1)
    }

    @Test("64 KiB of fields are read, and no more")
    func limit() throws {
        func lines(_ count: Int) -> [String] {
            Array(repeating: "a: \(String(repeating: "x", count: 1019))", count: count)
        }
        #expect(try Self.reply(lines(63)).failure == nil)
        #expect(try Self.reply(lines(64)).failure == .tooLong)
        let repeated = Array(repeating: "content-encoding:", count: 3400)
        #expect(try Self.reply(repeated).failure == nil)
    }
}
