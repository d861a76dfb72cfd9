// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes

/// A request to an endpoint of a provider that is played, taken apart.
struct PlayedRequest: Sendable {
    let provider: ProviderSimulator.Provider
    let route: Route
    /// What the host and the path say.
    let variables: [String: String]
    /// What the query and the body say.
    let parameters: Form
    /// nil where there is none that can be read.
    let body: Body?
    let headers: HTTPFields

    init(
        _ found: Stage.Found, method: HTTPRequest.Method, headers: HTTPFields,
        query: Substring, bytes: some Sequence<UInt8>
    ) {
        (provider, route, variables) = (found.provider, found.route, found.variables)
        self.headers = headers
        let type = (headers[.contentType] ?? "").lowercased()
        let bytes = Array(bytes)
        var fields: [(name: String, value: String)] = []
        // A secret in a URL is written into logs: a token is asked for there only by GET.
        if method != .post || !route.isToken {
            fields = Form(encoded: query.utf8)?.all ?? []
        }
        if bytes.isEmpty || bytes == Array("null".utf8) {
            body = .nothing
        } else if type.hasPrefix("application/json"), let members = PlayedRequest.members(bytes) {
            body = .json
            fields += members
        } else if type.hasPrefix("application/x-www-form-urlencoded"),
            let form = Form(encoded: bytes)
        {
            body = .form
            fields += form.all
        } else {
            body = nil
        }
        parameters = Form(fields: fields)
    }

    private static func members(_ bytes: [UInt8]) -> [(name: String, value: String)]? {
        let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        return object?.compactMap { name, value in
            switch value {
            case let text as String: (name, text)
            case let number as NSNumber: (name, number.stringValue)
            default: nil
            }
        }
    }

    /// Fails where a header is missing or the body is of a kind that is not taken here.
    func check(bodies: Set<Body>) throws(Cause) {
        for header in route.headers {
            guard let name = HTTPField.Name(header), headers[name] != nil else {
                throw .missingHeader
            }
        }
        guard let body, body == .nothing || bodies.contains(body) else { throw .wrongBody }
    }

    /// What follows `scheme` in `Authorization`.
    func authorization(_ scheme: String) -> String? {
        let parts = (headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == scheme else { return nil }
        return String(parts[1])
    }

    /// The user of HTTP Basic as it is, where there is no password.
    var userAlone: String? {
        guard let text = authorization("basic"), let bytes = Data(base64Encoded: text),
            let pair = String(validating: bytes, as: UTF8.self), pair.hasSuffix(":")
        else { return nil }
        return String(pair.dropLast())
    }

    /// The access token that the request is authorized with.
    func token(in credential: Credential) -> String? {
        switch credential {
        case .bearer: authorization("bearer")
        case .parameter(let name): parameters[name]
        case .parameterOrBearer(let name): parameters[name] ?? authorization("bearer")
        case .header(let name): HTTPField.Name(name).flatMap { headers[$0] }
        case .nothing, .client: nil
        }
    }
}
