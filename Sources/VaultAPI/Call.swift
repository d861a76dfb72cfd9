// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import TokenVault

/// A request of somebody who may ask for this.
struct Call: Sendable {
    let request: Request
    private let parameters: Parameters
    private let query: [String: String]
    /// Nil on a route that anybody may ask.
    let key: APIKey?
    /// The whole body.
    let body: ByteBuffer

    init(
        _ request: Request, _ parameters: Parameters, _ route: Route, _ key: APIKey?,
        _ body: ByteBuffer
    ) throws(Problem) {
        (self.request, self.parameters, self.key) = (request, parameters, key)
        self.body = body
        var query: [String: String] = [:]
        for part in (request.uri.query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(pair[0]),
                let value = Self.decoded(pair.count > 1 ? pair[1] : "")
            else { throw Problem.malformed("the query is not percent-encoded UTF-8") }
            guard route.query.contains(name) else {
                throw Problem.malformed("there is no query parameter \(name.prefix(64))")
            }
            guard query.updateValue(value, forKey: name) == nil else {
                throw Problem.malformed("\(name) is there twice")
            }
        }
        self.query = query
    }

    /// A part of the path; ids may hold anything, percent-encoded.
    func part(_ name: String) throws(Problem) -> String {
        guard let written = parameters[Substring(name)], let text = Self.decoded(written) else {
            throw Problem.malformed("the path is not percent-encoded UTF-8")
        }
        return text
    }

    /// The connection that the path names.
    func connection() throws(Problem) -> ConnectionID {
        try covered(part("id"))
    }

    /// A connection that the key is for.
    func covered(_ text: String) throws(Problem) -> ConnectionID {
        let id: ConnectionID
        do throws(VaultError) {
            id = try ConnectionID(text)
        } catch {
            throw Problem(error)
        }
        guard key?.connections.matches(id) ?? false else { throw Problem.otherConnection }
        return id
    }

    /// The application that the path names.
    func application() throws(Problem) -> ApplicationID {
        let text = try part("id")
        do throws(VaultError) {
            return try ApplicationID(text)
        } catch {
            throw Problem(error)
        }
    }

    func text(_ name: String) -> String? { query[name] }

    /// A whole number of the query.
    func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = query[name] else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text), range.contains(number)
        else {
            throw Problem.malformed(
                "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func decoded(_ written: Substring) -> String? {
        guard written.utf8.contains(UInt8(ascii: "%")) else { return String(written) }
        var bytes: [UInt8] = []
        var rest = written.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue),
                let low = rest.popFirst().flatMap(hexValue)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        Unicode.Scalar(digit).properties.isASCIIHexDigit
            ? UInt8(String(Unicode.Scalar(digit)), radix: 16) : nil
    }
}

extension VaultAPI {
    /// The key that a request shows.
    ///
    /// The header has passed through a `String` of the HTTP library's, as all headers do.
    func key(of request: Request) async throws -> APIKey {
        guard let header = request.headers[.authorization] else {
            throw Problem.unauthorized(isMissing: true)
        }
        let scheme = "bearer "
        guard header.utf8.count > scheme.utf8.count,
            header.prefix(scheme.utf8.count).lowercased() == scheme,
            header.utf8.count <= Self.keyBytesMax
        else { throw Problem.unauthorized(isMissing: false) }
        let shown = try Self.secret(header.dropFirst(scheme.count))
        guard let key = try await vault.apiKey(shown: shown) else {
            throw Problem.unauthorized(isMissing: false)
        }
        return key
    }

    private static func secret(_ text: Substring) throws(VaultError) -> Secret {
        let span = text.utf8Span.span
        return try Secret(copying: unsafe span.bytes)
    }

    /// The longest `Authorization` header; a key's has 70 bytes.
    private static let keyBytesMax = 256
}
