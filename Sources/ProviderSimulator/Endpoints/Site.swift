// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// The paths of the server. A switch is all the routing it needs, and the cheapest.
struct Site: Sendable {
    /// The longest request body read.
    static let bodyBytesMax = 64 * 1024

    let book: Book
    /// The providers played; nil where the server is nobody but itself.
    var stage: Stage?

    /// Answers one request.
    func respond(to request: Request, channel: any Channel) async throws -> Response {
        do {
            return try await route(request, channel: channel)
        } catch is NIOTooManyBytesError {
            return Reply.empty(.contentTooLarge).response
        }
    }

    private func route(_ request: Request, channel: any Channel) async throws -> Response {
        let target = request.head.path ?? "/"
        let split = target.firstIndex(of: "?") ?? target.endIndex
        let path = target[..<split]
        let query = target[split...].dropFirst()
        if let stage, !path.hasPrefix("/control/") {
            return try await play(request, on: stage, path: path, query: query, channel: channel)
        }
        switch (request.method, path) {
        case (.post, "/token"):
            return try await token(request, channel: channel)
        case (.post, "/revoke"):
            return try await revoke(request, channel: channel)
        case (.get, "/authorize"):
            return authorizePage(Form(encoded: query.utf8)).response
        case (.post, "/authorize"):
            return authorizeDecision(try await form(of: request)).response
        case (.post, "/device_authorization"):
            return try await deviceAuthorization(request).response
        case (.get, "/device"):
            return devicePage(Form(encoded: query.utf8)).response
        case (.post, "/device"):
            return deviceDecision(try await form(of: request)).response
        case (.get, "/userinfo"):
            return try userinfo(request).response
        case (.post, "/introspect"):
            return try introspect(request, try await form(of: request)).response
        case (.get, let path) where path.contains("/.well-known/"):
            return try await metadata(at: path, channel: channel)
        case (_, let path) where path.hasPrefix("/control/"):
            return try await control(request, path: path, query: Form(encoded: query.utf8)).response
        case (_, "/token"), (_, "/revoke"), (_, "/authorize"), (_, "/userinfo"), (_, "/introspect"),
            (_, "/device_authorization"), (_, "/device"):
            return Reply.empty(.methodNotAllowed).response
        default:
            return Reply.empty(.notFound).response
        }
    }

    /// The form in the body; nil where there is none that can be read.
    func form(of request: Request) async throws -> Form? {
        let type = request.headers[.contentType] ?? ""
        guard type.lowercased().hasPrefix("application/x-www-form-urlencoded") else { return nil }
        return Form(encoded: try await body(of: request).readableBytesView)
    }

    /// The body, up to the limit.
    func body(of request: Request) async throws -> ByteBuffer {
        try await request.body.collect(upTo: Site.bodyBytesMax)
    }
}
