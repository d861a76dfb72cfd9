// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

@Suite("The curl transport: what it reads of odd answers", .serialized)
struct CurlTransportReadingTests {
    static let whole = #"{"access_token":"a","refresh_token":"r"}"#

    @Test(
        "a success that arrived whole counts, whatever follows; one that is cut never does",
        arguments: [200, 201, 202, 203, 206, 299])
    func wholeAnswers(_ status: Int) throws {
        for (head, body, isWhole) in [
            // No length: the end of the connection is the end of the body.
            ("", Self.whole, true),
            // The last chunk is missing, and a length that was miscounted.
            ("Transfer-Encoding: chunked\r\n", "28\r\n\(Self.whole)\r\n", true),
            ("Transfer-Encoding: chunked\r\n", "28\r\n\(Self.whole)", true),
            ("Transfer-Encoding: chunked\r\n", "99\r\n\(Self.whole)", true),
            ("Content-Length: 99\r\n", "\(Self.whole)\n", true),
            ("Content-Length: 99\r\n", "\u{FEFF}\(Self.whole)", true),
            ("Content-Length: 99\r\n", #"{"access_token":"a","x":{"y":1}"#, false),
            ("Content-Length: 99\r\n", #"{"access_token":"a}"#, false),
            ("Content-Length: 99\r\n", "access_token=a&refresh_token=r", false),
            ("Content-Length: 99\r\n", "<p>}", false),
            ("Content-Length: 40\r\n", String(Self.whole.dropLast()), false),
            ("Content-Length: 5\r\n", "", false),
            ("Transfer-Encoding: chunked\r\n", "12\r\n{\"access_token\":\"a", false),
        ] {
            let server = try ScriptedServer { _ in
                .raw("HTTP/1.1 \(status) OK\r\n\(head)\r\n\(body)")
            }
            defer { server.stop() }
            let reply = try CurlTransport.forTests().answer(server.origin)
            if isWhole {
                #expect(reply.failure == nil && reply.status == status, "\(head)\(body)")
                #expect(reply.body.contains(Self.whole))
            } else {
                #expect(reply.failure == .lost(curlCode: 18), "\(head)\(body)")
            }
        }
    }

    @Test("a refusal that is cut is none", arguments: [302, 400, 401, 503])
    func cutRefusals(_ status: Int) throws {
        let server = try ScriptedServer { _ in
            .raw("HTTP/1.1 \(status) No\r\nContent-Length: 99\r\n\r\n{\"error\":\"x\"}")
        }
        defer { server.stop() }
        let reply = try CurlTransport.forTests().answer(server.origin)
        #expect(reply.failure == .lost(curlCode: 18))
    }

    @Test(
        "what comes compressed though nobody asked is decoded",
        arguments: [
            (
                "Content-Encoding: gzip",
                "1f8b0800000000000203ab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b"
                    + "1529d50200d158572128000000"
            ),
            (
                "content-encoding:  X-GZIP ",
                "1f8b0800000000000203ab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b"
                    + "1529d50200d158572128000000"
            ),
            (
                "Content-Encoding: deflate",
                "78daab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b1529d5020022410ddd"
            ),
            (
                "Content-Encoding: identity, deflate",
                "ab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b1529d50200"
            ),
            // Its checksum is wrong, and its end is cut off.
            (
                "Content-Encoding: gzip",
                "1f8b0800000000000203ab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b"
                    + "1529d502000000000028000000"
            ),
            (
                "Content-Encoding: gzip",
                "1f8b0800000000000203ab564a4c4e4e2d2e8e2fc9cf4ecd53b2524a54d2512a4a4d2b4a2dce808b"
                    + "1529d50200"
            ),
        ])
    func compressed(_ header: String, _ hex: String) throws {
        let body = Self.bytes(hex)
        let head = "HTTP/1.1 200 OK\r\n\(header)\r\nContent-Length: \(body.count)\r\n\r\n"
        let server = try ScriptedServer { _ in .pieces([Array(head.utf8) + body]) }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        for _ in 0..<2 {
            let reply = try transport.answer(server.origin)
            #expect(reply.failure == nil && reply.body == Self.whole)
        }
    }

    @Test(
        "what is named compressed and is not is read as it is, and so is the next answer",
        arguments: ["gzip", "x-gzip", "deflate"], [200, 201, 400, 503])
    func plainUnderACoding(_ coding: String, _ status: Int) throws {
        let head = "HTTP/1.1 \(status) It\r\nContent-Encoding: \(coding)\r\n"
        let chunked = "\(head)Transfer-Encoding: chunked\r\n\r\n"
        let (whole, end) = (Self.whole, "\r\n0\r\n\r\n")
        for pieces in [
            ["\(head)Content-Length: 40\r\n\r\n\(whole)"],
            ["\(head)Content-Length: 43\r\n\r\n", "\u{FEFF}", whole],
            ["\(chunked)28\r\n\(whole)\(end)"],
            [chunked, "28;x=y\r", "\n", whole, end],
            [head, "Content-Length: 40\r", "\n\r\n", "{", String(whole.dropFirst())],
        ] {
            let server = try ScriptedServer { request in
                request.number == 1 ? .pieces(pieces.map { Array($0.utf8) }) : .reply(body: whole)
            }
            defer { server.stop() }
            let transport = try CurlTransport.forTests()
            let reply = try transport.answer(server.origin)
            #expect(reply.failure == nil && reply.status == status, "\(pieces)")
            #expect(reply.body.contains(whole), "\(pieces)")
            #expect(try transport.answer(server.origin).body == whole)
        }
    }

    @Test("a form that is named gzip and is none is read as it is")
    func formUnderACoding() throws {
        let form = "access_token=a&token_type=bearer"
        let server = try ScriptedServer { _ in
            .reply(headers: ["Content-Encoding: gzip"], body: form)
        }
        defer { server.stop() }
        #expect(try CurlTransport.forTests().answer(server.origin).body == form)
    }

    /// 250,054 bytes in 323.
    @Test("what is decoded is bounded, and reduced as other bodies are")
    func bomb() throws {
        let body = Self.bytes(Self.bombStart + String(repeating: "00", count: 241) + Self.bombEnd)
        let head =
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n"
        let server = try ScriptedServer { _ in .pieces([Array(head.utf8) + body]) }
        defer { server.stop() }
        let reply = try CurlTransport.forTests().answer(server.origin)
        #expect(reply.failure == nil && reply.body == Self.whole)
    }

    @Test(
        "what nobody here decodes is read as it is, and so is the next answer",
        arguments: [
            "br", "zstd", "gzip, gzip", "compress", "x-odd", "deflate, br", "utf-8", "UTF-8",
            "none", "binary", "aws-chunked",
        ])
    func undecodable(_ coding: String) throws {
        for status in [200, 503] {
            let server = try ScriptedServer { request in
                request.number == 1
                    ? .reply(
                        status: status, headers: ["Content-Encoding: \(coding)"], body: Self.whole)
                    : .reply(body: Self.whole)
            }
            defer { server.stop() }
            let transport = try CurlTransport.forTests()
            let reply = try transport.answer(server.origin)
            #expect(reply.failure == nil && reply.status == status && reply.body == Self.whole)
            #expect(try transport.answer(server.origin).body == Self.whole)
        }
    }

    @Test(
        "an answer with a large id_token, or with hundreds of members",
        arguments: [70_000, 200_000])
    func large(_ count: Int) throws {
        let id = String(repeating: "i", count: count)
        let members = (0..<count / 100).map { "\"m\($0)\":[{}]" }.joined(separator: ",")
        for body in [
            #"{"access_token":"a","id_token":"\#(id)","refresh_token":"r"}"#,
            #"{\#(members),"access_token":"a","id_token":"\#(id)","refresh_token":"r"}"#,
        ] {
            let server = try ScriptedServer { _ in .reply(body: body) }
            defer { server.stop() }
            let transport = try CurlTransport.forTests()
            for _ in 0..<2 {
                let reply = try transport.answer(server.origin)
                #expect(reply.failure == nil && reply.body == Self.whole)
            }
            #expect(server.connectionCount == 1)
        }
    }

    /// In the same segment as the body, in the one behind it, and some time later.
    @Test(
        "after bytes beyond the Content-Length the connection is not used again", arguments: 0..<4)
    func excess(_ way: Int) throws {
        let sent = Monitor(false)
        let server = try ScriptedServer { request in
            guard request.number == 1 else { return .reply(body: Self.whole) }
            let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n".utf8)
            let (body, more) = (Array(Self.whole.utf8), Array("HTTP/1.1 400 No\r\n\r\n".utf8))
            let pieces =
                switch way {
                case 0: [head + body + more]
                case 1: [head, body + more]
                case 2: [head + body, more]
                default: [head, Array(body[..<39]), Array(body[39...]) + more]
                }
            return .pieces(pieces, sent: sent)
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let first = try transport.answer(server.origin)
        #expect(first.failure == nil && first.body == Self.whole)
        sent.wait(until: { $0 }, then: { _ in })
        let second = try transport.answer(server.origin)
        #expect(second.failure == nil && second.status == 200 && second.body == Self.whole)
        #expect(server.connectionCount == 2)
        // The one after that is kept as ever.
        #expect(try transport.answer(server.origin).body == Self.whole)
        #expect(server.connectionCount == 2)
    }

    @Test("the same where the excess lies in TLS and no socket shows it")
    func excessInTLS() throws {
        let server = try TLSServer(.good, hasExcess: true)
        let transport = try CurlTransport.forTests(caFile: server.caFile)
        for _ in 0..<3 {
            let reply = try transport.answer("https://localhost:\(server.port)/")
            #expect(reply.failure == nil && reply.body == #"{"tls":1}"#)
        }
    }

    @Test("a transfer that waits for a block keeps its connection, whatever lies in its socket")
    func pausedWithBytesInTheSocket() throws {
        let token = String(repeating: "t", count: 16_000)
        let body = #"{"access_token":"\#(token)","refresh_token":"\#(token)"}"#
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let server = try ScriptedServer { request in
            request.body == "other"
                ? .reply()
                : .pieces([
                    Array((head + body.prefix(6000)).utf8), Array(body.utf8)[6000...].map { $0 },
                ])
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        var hoard = BlockHoard.take(allOf: [65_536, 8192])
        try transport.post(server.origin, into: answers)
        #expect(answers.wait(for: 1, milliseconds: 300).isEmpty)
        // Others come and go meanwhile.
        for _ in 0..<3 { #expect(try transport.answerOther(server.origin).body == "{}") }
        withExtendedLifetime(hoard) {}
        hoard = nil
        let reply = try #require(answers.wait(for: 1).first)
        #expect(reply.failure == nil && reply.body == body)
    }

    static func bytes(_ hex: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var digits = hex.utf8.makeIterator()
        while let high = digits.next(), let low = digits.next() {
            bytes.append(
                (TextEncoding.hexValue(high) ?? 0) << 4 | (TextEncoding.hexValue(low) ?? 0))
        }
        return bytes
    }

    static let bombStart =
        "1f8b0800000000000203edc7c10983401405c05eded90a6c46c4fca0111476bd85f49e9b4d38739b6fe665a9"
        + "dea7ebdcebc8983943b6d7dd0f"
    static let bombEnd =
        "c0c36548ab77abbe4ed7b9d791312dbf3fc2f4d801c6d00300"
}

extension CurlTransport {
    fileprivate func answerOther(_ url: String) throws -> ReplySummary {
        let answers = Answers()
        try post(url, body: "other", into: answers)
        return try #require(answers.wait(for: 1).first)
    }
}
