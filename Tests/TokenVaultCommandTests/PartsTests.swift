// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault

@testable import TokenVaultCommand

/// The parts that a transcript does not reach.
struct PartsTests {
    @Test func everyErrorCodeHasAdvice() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/TokenVault/Atoms/VaultError.swift")
        let text = try String(contentsOf: source, encoding: .utf8)
        let codes = text.matches(of: /public static let (\w+) = Self\(kind:/).map { String($0.1) }
        #expect(codes.count > 30)
        #expect(Set(VaultError.advice.map { $0.code.description }) == Set(codes))
        #expect(VaultError.advice.count == codes.count)
        for advice in VaultError.advice { #expect(!advice.text.contains("\n")) }
    }

    @Test func errorsCrossTheSocketWhole() throws {
        let error = VaultError(
            .grantLost, .vault, connection: try ConnectionID("anna"), number: 400,
            detail: FailureDetail(
                error: .other, cause: .privateAddress, subject: .redirectURI, verifyResult: 10),
            retryTime: UnixTime(milliseconds: 1_767_225_599_999))
        let bytes = try JSONEncoder().encode(FailureForm(error))
        let form = try JSONDecoder().decode(FailureForm.self, from: bytes)
        #expect(form.error as? VaultError == error)
        let failure = CommandFailure(.refused, "no")
        #expect(FailureForm(failure).error as? CommandFailure == failure)
        let unknown = FailureForm(CocoaError(.fileNoSuchFile)).error as? CommandFailure
        #expect(unknown?.status == .internalFault)
    }

    @Test(
        "Moments are written and read back",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ])
    func moments(milliseconds: Int64, text: String) {
        #expect(UnixTime(milliseconds: milliseconds).text == text)
        #expect(UnixTime(text: text)?.milliseconds == milliseconds)
    }

    @Test func momentsBeyondTheCalendarAreClamped() {
        #expect(UnixTime(milliseconds: .max).text == "9999-12-31T23:59:59.999Z")
        #expect(UnixTime(milliseconds: .min).text == "1970-01-01T00:00:00.000Z")
        for text in [
            "", "2025-13-01T00:00:00.000Z", "2025-02-30T00:00:00.000Z", "now",
            "1-1-999999999999-0-0-0-0", "999999999999-1-1-0-0-0-0", "1-1-1-0-0-0-999999999999",
        ] {
            #expect(UnixTime(text: text) == nil)
        }
    }

    @Test func whatATerminalActsUponIsEscaped() {
        #expect("plain é 日本".printable == "plain é 日本")
        let painted = "a\u{1b}[31m\r\n\u{2028}\u{9b}"
        #expect(painted.printable == "a\\u{1b}[31m\\u{d}\\u{a}\\u{2028}\\u{9b}")
        #expect("{\"a\":\"\u{202e}\u{e0001}\"}".printableJSON == #"{"a":"\u202e\udb40\udc01"}"#)
    }

    @Test(
        "Loopback redirect URIs",
        arguments: [
            ("http://127.0.0.1:8017/callback", UInt16(8017), "/callback"),
            ("http://[::1]:1/a/b", 1, "/a/b"), ("http://127.0.0.1", 80, "/"),
            ("http://127.0.0.1/x", 80, "/x"),
        ])
    func loopback(uri: String, port: UInt16, path: String) throws {
        let address = try #require(LoopbackAddress(uri))
        #expect(address.port == port)
        #expect(address.path == path)
        #expect(address.isIPv6 == uri.contains("["))
    }

    @Test(
        "Other redirect URIs are not listened on",
        arguments: [
            "https://127.0.0.1/", "http://localhost:8017/", "http://127.0.0.1.example.com/",
            "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1@example.com/",
            "http://127.0.0.1:80/?a", "http://127.0.0.2/", "http://[::1]x/", "http://0.0.0.0/",
        ])
    func notLoopback(uri: String) {
        #expect(LoopbackAddress(uri) == nil)
    }

    @Test func aHeadMayComeInPieces() throws {
        let meaning = try head(["GET /callba", "ck?code=c&state=s HTTP/1.1\r\nHost: x\r\n", "\r\n"])
        #expect(meaning == "callback 14")
        #expect(try head(["GET /callback?a HTTP/1.1\n\n"]) == "callback 1")
        // Other programs on the same address have set cookies, too.
        let cookies = "Cookie: " + String(repeating: "c=0123456789; ", count: 1300) + "\r\n"
        let line = "GET /callback?code=c&state=s HTTP/1.1\r\n"
        #expect(cookies.utf8.count > 16_384)
        #expect(try head([line, cookies, "\r\n"]) == "callback 14")
        #expect(try head([line + cookies + cookies + "\r\n"]) == "callback 14")
        let many = Array(repeating: cookies, count: RequestHead.bytesMax / cookies.utf8.count + 1)
        #expect(try head([line] + many) == "other 431")
    }

    @Test(
        "What is not the callback",
        arguments: [
            ("POST /callback?a=b HTTP/1.1\r\n\r\n", "other 405"),
            ("GET /callback HTTP/1.1\r\n\r\n", "other 400"),
            ("GET /callback? HTTP/1.1\r\n\r\n", "other 400"),
            ("GET /callbacks?a=b HTTP/1.1\r\n\r\n", "other 404"),
            ("GET /call HTTP/1.1\r\n\r\n", "other 404"),
            ("GET /\r\n\r\n", "other 404"), ("\r\n\r\n", "other 405"),
            ("POST /callback?a=b HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", "other 405"),
            ("GET /callback?a=b HTTP/1.1\r\n", "incomplete"),
            (String(repeating: "x", count: RequestHead.lineBytesMax + 1), "other 431"),
            ("", "gone"),
        ])
    func notTheCallback(text: String, expected: String) throws {
        #expect(try head([text]) == expected)
    }

    /// What a head that arrives in these pieces means.
    private func head(_ pieces: [String]) throws -> String {
        var ends: [Int32] = [0, 0]
        let isMade = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        try #require(isMade == 0)
        defer { for end in ends { close(end) } }
        var head = try RequestHead()
        var meaning = "incomplete"
        for piece in pieces {
            let bytes = Array(piece.utf8)
            let sent = unsafe write(ends[1], bytes, bytes.count)
            try #require(sent == bytes.count)
            if bytes.isEmpty { shutdown(ends[1], Int32(SHUT_WR)) }
            while meaning == "incomplete", isReadable(ends[0]) {
                switch try head.receive(ends[0], path: "/callback") {
                case .incomplete: meaning = "incomplete"
                case .gone: meaning = "gone"
                case .other(let status): meaning = "other \(status)"
                case .callback(let query): meaning = "callback \(query.count)"
                }
            }
        }
        return meaning
    }

    private func isReadable(_ socket: Int32) -> Bool {
        var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, 0) > 0
    }

    @Test func secretsLoseOneLineEnd() throws {
        func read(_ text: String) throws -> Int {
            var ends: [Int32] = [0, 0]
            let isMade = unsafe pipe(&ends)
            try #require(isMade == 0)
            defer { close(ends[0]) }
            let bytes = Array(text.utf8)
            let put = unsafe write(ends[1], bytes, bytes.count)
            close(ends[1])
            try #require(put == bytes.count)
            return try SecretInput.read(descriptor: ends[0], what: "it").count
        }
        #expect(try read("abc") == 3)
        #expect(try read("abc\n") == 3)
        #expect(try read("abc\r\n") == 3)
        #expect(try read("abc\n\n") == 4)
        #expect(try read(String(repeating: "x", count: SecretInput.bytesMax)) == 16_384)
        for wrong in ["", "\n", String(repeating: "x", count: SecretInput.bytesMax + 1)] {
            #expect(throws: CommandFailure.self) { try read(wrong) }
        }
    }
}
