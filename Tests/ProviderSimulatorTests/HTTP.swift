// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix

/// A client that sends one request over a connection of its own and hands back the bytes that
/// came, without repairing or following anything.
enum HTTP {
    /// The reply, as it came.
    struct Reply: Sendable {
        let status: Int
        let headers: [String: String]
        let body: String
        let bodyBytes: Int

        /// The value of a string member of a flat JSON body.
        func member(_ name: String) -> String? {
            guard let start = body.firstRange(of: "\"\(name)\":\"") else { return nil }
            return String(body[start.upperBound...].prefix { $0 != "\"" })
        }
    }

    /// The connection ended before a whole head had come.
    struct NoReply: Error {}

    static func get(_ url: String, _ headers: [String: String] = [:]) async throws -> Reply {
        try await send("GET", url, headers, "")
    }

    static func post(
        _ url: String, _ body: String = "", _ headers: [String: String] = [:]
    ) async throws -> Reply {
        let type = ["Content-Type": "application/x-www-form-urlencoded"]
        return try await send("POST", url, type.merging(headers) { $1 }, body)
    }

    /// Sends what it is told; a `Host` among the headers takes the place of the URL's.
    static func send(
        _ method: String, _ url: String, _ headers: [String: String], _ body: String
    ) async throws -> Reply {
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" }
        let path = url.dropFirst("http://".count + authority.count)
        guard let port = Int(authority.drop { $0 != ":" }.dropFirst()) else { throw NoReply() }
        var head = "\(method) \(path) HTTP/1.1\r\nConnection: close\r\n"
        if headers["Host"] == nil { head += "Host: \(authority)\r\n" }
        head += "Content-Length: \(body.utf8.count)\r\n"
        head += headers.map { "\($0.key): \($0.value)\r\n" }.joined()
        let request = ByteBuffer(string: head + "\r\n" + body)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        let bytes = try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(request)
            var bytes: [UInt8] = []
            for try await part in inbound { bytes.append(contentsOf: part.readableBytesView) }
            return bytes
        }
        return try parse(bytes)
    }

    private static func parse(_ bytes: [UInt8]) throws -> Reply {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw NoReply() }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(
            separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, let status = Int(words[1]) else { throw NoReply() }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != ":" }
            headers[name.lowercased()] = String(line.dropFirst(name.count + 2))
        }
        let body = bytes[end.upperBound...]
        return Reply(
            status: status, headers: headers, body: String(decoding: body, as: UTF8.self),
            bodyBytes: body.count)
    }
}

extension HTTP {
    /// The header of HTTP Basic.
    static func basic(_ name: String, _ password: String) -> [String: String] {
        let pair = Data("\(name):\(password)".utf8).base64EncodedString()
        return ["Authorization": "Basic " + pair]
    }
}
