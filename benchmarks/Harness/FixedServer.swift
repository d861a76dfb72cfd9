// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The server with the fixed reply, and how many requests it has counted.
struct FixedServer {
    private let statusURL: String
    private let countBefore: Int

    /// - Parameter url: of its token endpoint. Over TLS, its status is asked for without.
    init(url: String) throws {
        guard var parts = URLComponents(string: url), let port = parts.port else {
            throw BenchmarkFailure("no URL with a port: \(url)")
        }
        // The port after it takes TLS.
        if parts.scheme == "https" { parts.port = port - 1 }
        (parts.scheme, parts.path) = ("http", "/status")
        guard let statusURL = parts.string else { throw BenchmarkFailure("no URL: \(url)") }
        self.statusURL = statusURL
        countBefore = try Self.count(statusURL)
    }

    /// The requests that came since.
    func requests() throws -> Int {
        // The question counts too.
        try Self.count(statusURL) - countBefore - 1
    }

    /// Fails where it was not asked exactly so often: a request that was sent twice, or never.
    func expect(_ requests: Int) throws {
        let count = try self.requests()
        guard count == requests else {
            throw BenchmarkFailure("\(count) requests at the server instead of \(requests)")
        }
    }

    /// Of nginx's stub_status: active, accepted, handled connections, requests.
    private static func count(_ url: String) throws -> Int {
        let text = try Program.text([
            "curl", "--disable", "--noproxy", "*", "--silent", "--fail", url,
        ])
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count >= 4 else { throw BenchmarkFailure("the server does not say a count") }
        return numbers[3]
    }
}
