// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One request on a socket of its own, over TCP or a Unix socket, written by hand: what is sent is
/// what is meant, and what comes back is all of it.
struct Asking: Sendable {
    enum Place: Sendable {
        case port(Int)
        case path(String)
    }

    struct Reply: Sendable {
        let status: Int
        /// Names in lower case.
        let headers: [String: String]
        let body: String

        /// The body as an object; empty where it is none.
        var object: [String: any Sendable] {
            let value = try? JSONSerialization.jsonObject(with: Data(body.utf8))
            return value as? [String: any Sendable] ?? [:]
        }

        var code: String? { object["code"] as? String }
    }

    struct Failed: Error { let reason: String }

    let place: Place

    func send(
        _ method: String, _ path: String, key: String? = nil, headers: [String] = [],
        body: String? = nil
    ) throws -> Reply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: api\r\nConnection: close\r\n"
        if let key { head += "Authorization: Bearer \(key)\r\n" }
        for header in headers { head += header + "\r\n" }
        if let body {
            if !headers.contains(where: { $0.hasPrefix("Content-Type") }) {
                head += "Content-Type: application/json\r\n"
            }
            head += "Content-Length: \(body.utf8.count)\r\n"
        }
        return try Self.reply(exchange(head + "\r\n" + (body ?? "")))
    }

    private static func reply(_ text: String) throws -> Reply {
        guard let end = text.firstRange(of: "\r\n\r\n") else { throw Failed(reason: text) }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Failed(reason: text) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces)
        }
        return Reply(status: status, headers: headers, body: String(text[end.upperBound...]))
    }

    private func exchange(_ request: String) throws -> String {
        let socket = try connected()
        defer { close(socket) }
        let bytes = Array(request.utf8)
        var sent = 0
        while sent < bytes.count {
            let put = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // It may answer before it has read all.
            guard put > 0 else { break }
            sent += put
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let got = unsafe read(socket, &buffer, buffer.count)
            guard got > 0 else { break }
            answer += buffer[..<got]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private func connected() throws -> Int32 {
        switch place {
        case .port(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return try unsafe Self.connect(AF_INET, &address)
        case .path(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
                unsafe field.copyBytes(from: path.utf8)
            }
            return try unsafe Self.connect(AF_UNIX, &address)
        }
    }

    private static func connect<Address>(
        _ family: Int32, _ address: UnsafePointer<Address>
    ) throws -> Int32 {
        let number = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw Failed(reason: "socket") }
        let length = socklen_t(MemoryLayout<Address>.size)
        let result = unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe Glibc.connect(number, $0, length)
        }
        guard result == 0 else {
            close(number)
            throw Failed(reason: "connect: \(errno)")
        }
        return number
    }
}
