// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Host names that are reached by https at a proxy, which hands on what it gets: here the test does
/// that. The cookies of such a host are kept beside curl's jar, which would not take a `Secure` one
/// over plain HTTP.
extension Browser {
    func visit(
        _ url: String, at front: String, _ method: String = "GET", _ headers: [String] = []
    ) async throws -> Reply {
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        let host = String(rest.prefix { $0 != "/" })
        var sent = ["Host: \(host)"] + headers
        if let cookie = cookies.withLock({ $0[host] }) { sent.append("Cookie: \(cookie)") }
        let body = method == "POST" ? "" : nil
        if method == "POST" { sent.append("Sec-Fetch-Site: same-origin") }
        let reply = try await send(
            method, front + rest.dropFirst(host.count), sent, body: body)
        if let cookie = reply.headers["set-cookie"]?.prefix(while: { $0 != ";" }) {
            cookies.withLock { $0[host] = String(cookie) }
        }
        return reply
    }
}
