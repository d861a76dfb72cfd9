// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// What is said to a request that was answered.
struct Answer: Sendable {
    let status: HTTPResponse.Status
    /// JSON; empty where there is nothing to say.
    let body: ByteBuffer

    static func json(_ json: JSONWriter) -> Answer { self.json(.ok, json) }

    static func json(_ status: HTTPResponse.Status, _ json: JSONWriter) -> Answer {
        Answer(status: status, body: json.buffer)
    }

    /// Nothing to say.
    static let done = Answer(status: .noContent, body: ByteBuffer())

    var response: Response {
        guard body.readableBytes > 0 else { return Response(status: status) }
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: body))
    }
}
