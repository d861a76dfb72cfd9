// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// The few kinds of answer that there are. `PageGuard` adds the headers that all of them carry.
enum Reply {
    static func seeOther(_ location: String) -> Response {
        Response(status: .seeOther, headers: [.location: location])
    }

    /// To anything but a person's own navigation. No browser keeps such an answer for later.
    static var navigationOnly: Response { Response(status: .forbidden) }

    /// To a HEAD where a GET would change something.
    static var getOnly: Response {
        Response(status: .methodNotAllowed, headers: [.allow: "GET"])
    }
}

extension Response {
    static func page(_ page: Page, status: HTTPResponse.Status = .ok) -> Response {
        body(status, page.html, type: "text/html; charset=utf-8")
    }

    static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        body(status, text, type: "text/plain; charset=utf-8")
    }

    static var stylesheet: Response {
        body(.ok, Page.stylesheet, type: "text/css; charset=utf-8")
    }

    private static func body(
        _ status: HTTPResponse.Status, _ text: String, type: String
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
