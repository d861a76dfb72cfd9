// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport

/// A browser with a cookie jar of its own: curl, which knows the rules of `Secure` and `__Host-`.
/// It follows no redirect.
final class Browser: Sendable {
    /// What came back.
    struct Reply: Sendable {
        let status: Int
        /// Names in lower case; of a name that came twice, the last.
        let headers: [String: String]
        let body: String
        /// Head and body.
        let text: String

        var location: String? { headers["location"] }
    }

    /// curl could not talk to the server.
    struct NoReply: Error {
        let status: Int32
    }

    private let directory: String
    /// By host, of those that stand for the machine of the front: see `Browser+Hosts`.
    let cookies = Mutex<[String: String]>([:])
    var jar: String { directory + "/jar" }

    init() throws {
        directory = NSTemporaryDirectory() + "/browser-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func get(_ url: String, _ headers: [String] = []) async throws -> Reply {
        try await send("GET", Array(url.utf8), headers)
    }

    func send(
        _ method: String, _ url: String, _ headers: [String] = [], body: String? = nil
    ) async throws -> Reply {
        try await send(method, Array(url.utf8), headers, body: body)
    }

    /// Presses the button of a connect page, as a browser does.
    ///
    /// - Parameter headers: instead of those by which a browser says where the form comes from.
    func press(_ link: String, _ headers: [String]? = nil) async throws -> Reply {
        let origin = link.split(separator: "/").prefix(2).joined(separator: "//")
        return try await send(
            "POST", link, headers ?? ["Sec-Fetch-Site: same-origin", "Origin: \(origin)"], body: "")
    }

    /// - Parameter url: bytes, which need not be UTF-8.
    func send(
        _ method: String, _ url: [UInt8], _ headers: [String] = [], body: String? = nil
    ) async throws -> Reply {
        let name = directory + "/" + UUID().uuidString
        var options = "silent\ninclude\nhttp1.1\npath-as-is\nglobooff\nmax-time = 30\n"
        options += "output = \"\(name).reply\"\n"
        if url.count < 4096 {
            options += "cookie = \"\(jar)\"\ncookie-jar = \"\(jar)\"\n"
        } else if let cookie = cookie() {
            // curl 7.88 ends a long request before its end where its jar has a cookie for it.
            options += "header = \"Cookie: __Host-tokenvault-flow=\(cookie)\"\n"
        }
        options += method == "HEAD" ? "head\n" : "request = \"\(method)\"\n"
        for header in headers { options += "header = \"\(header)\"\n" }
        if let body { options += "data = \"\(body)\"\n" }
        // What a config file needs escaped; an argument could hold no such bytes.
        var quoted: [UInt8] = []
        for byte in url {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                quoted.append(UInt8(ascii: "\\"))
            }
            quoted.append(byte)
        }
        let config = Data(options.utf8) + Data("url = \"".utf8) + Data(quoted) + Data("\"\n".utf8)
        try config.write(to: URL(fileURLWithPath: name))
        let status = try await ChildProcess(
            "/usr/bin/curl", ["--disable", "--config", name]
        ).end().status
        guard status == 0 else { throw NoReply(status: status) }
        return try parse(Data(contentsOf: URL(fileURLWithPath: name + ".reply")))
    }

    private func parse(_ data: Data) throws -> Reply {
        let text = String(decoding: data, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = (parts.first ?? "").components(separatedBy: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { throw NoReply(status: -1) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != ":" }
            headers[name.lowercased()] = String(line.dropFirst(name.count + 2))
        }
        let body = parts.dropFirst().joined(separator: "\r\n\r\n")
        return Reply(status: status, headers: headers, body: body, text: text)
    }

    /// The cookie's value in the jar; nil where there is none.
    func cookie(_ name: String = "__Host-tokenvault-flow") -> String? {
        guard let text = try? String(contentsOfFile: jar, encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            if fields.count == 7, fields[5] == name { return String(fields[6]) }
        }
        return nil
    }
}
