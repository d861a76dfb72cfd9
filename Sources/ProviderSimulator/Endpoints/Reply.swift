// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// A reply before it becomes an HTTP response, so that a fault can still spoil it.
struct Reply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    var body = ByteBuffer()

    /// A JSON reply. RFC 6749 section 5.1 forbids every cache to keep it.
    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Reply {
        var reply = Reply(status: status, body: ByteBuffer(string: text))
        reply.headers[.contentType] = "application/json"
        reply.headers[.cacheControl] = "no-store"
        return reply
    }

    /// JSON objects, one a line.
    static func lines(_ objects: [String]) -> Reply {
        var reply = json(objects.map { $0 + "\n" }.joined())
        reply.headers[.contentType] = "application/x-ndjson"
        return reply
    }

    /// A refusal as JSON; 401 names the scheme that would have been accepted.
    static func refusal(_ error: OAuthError) -> Reply {
        var reply = json(error.json, status: .init(code: error.status))
        if error.status == 401 {
            reply.headers[.wwwAuthenticate] = "Basic realm=\"practice\""
        }
        return reply
    }

    /// A reply without a body.
    static func empty(_ status: HTTPResponse.Status) -> Reply {
        Reply(status: status, headers: [.cacheControl: "no-store"])
    }

    /// A redirect. 303 makes the browser follow a form with a GET.
    static func redirect(to location: String, status: HTTPResponse.Status) -> Reply {
        var reply = empty(status)
        reply.headers[.location] = location
        return reply
    }

    /// The reply as an HTTP response.
    var response: Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
