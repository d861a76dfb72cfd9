// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One blocking HTTP exchange with a server on this machine, for processes that have no event loop.
package struct LoopbackHTTP: Sendable {
    package let port: UInt16
    package let controlKey: String

    package init(port: UInt16, controlKey: String) {
        self.port = port
        self.controlKey = controlKey
    }

    package struct Failed: Error { package let reason: String }

    /// Sends a request and returns the whole answer, head included.
    package func send(_ method: String, _ path: String, form: String = "") throws -> String {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw Failed(reason: "socket") }
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe connect(number, raw, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed(reason: "connect") }
        let request = """
            \(method) \(path) HTTP/1.1\r
            Host: 127.0.0.1:\(port)\r
            Connection: close\r
            X-Control-Key: \(controlKey)\r
            Content-Type: application/x-www-form-urlencoded\r
            Content-Length: \(form.utf8.count)\r
            \r
            \(form)
            """
        let bytes = Array(request.utf8)
        guard unsafe Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0
        else { throw Failed(reason: "send") }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let got = unsafe read(number, &buffer, buffer.count)
            guard got > 0 else { break }
            answer += buffer[..<got]
        }
        guard !answer.isEmpty else { throw Failed(reason: "no answer") }
        return String(decoding: answer, as: UTF8.self)
    }

    /// Tokens of a grant that the practice server makes without a browser.
    package func mint() throws -> (access: String, refresh: String) {
        let answer = try send("POST", "/control/grants?count=1")
        guard let access = Self.member("access_token", answer),
            let refresh = Self.member("refresh_token", answer)
        else { throw Failed(reason: answer) }
        return (access, refresh)
    }

    /// Consents at the practice server and returns the query of the callback.
    package func approve(_ authorizeURL: String) throws -> String {
        let query = authorizeURL.drop { $0 != "?" }.dropFirst()
        let answer = try send("POST", "/authorize", form: "\(query)&decision=approve&user=ada")
        for line in answer.split(whereSeparator: \.isNewline) {
            guard line.lowercased().hasPrefix("location:"), let mark = line.firstIndex(of: "?")
            else { continue }
            return String(line[line.index(after: mark)...])
        }
        throw Failed(reason: answer)
    }

    /// A counter of the practice server.
    package func counter(_ name: String) throws -> Int {
        let answer = try send("GET", "/control/counters")
        guard let found = answer.firstRange(of: "\"\(name)\":"),
            let value = Int(answer[found.upperBound...].prefix { $0.isNumber })
        else { throw Failed(reason: answer) }
        return value
    }

    private static func member(_ name: String, _ text: String) -> String? {
        guard let found = text.firstRange(of: "\"\(name)\":\"") else { return nil }
        return String(text[found.upperBound...].prefix { $0 != "\"" })
    }
}
