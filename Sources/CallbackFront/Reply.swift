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
        text(status, page.html, type: "text/html; charset=utf-8")
    }

    /// To what can be done in a moment at the same address.
    static func later(_ page: Page) -> Response {
        var response = Response.page(page, status: .serviceUnavailable)
        response.headers[.retryAfter] = "\(retrySeconds)"
        return response
    }

    /// The vault itself has waited a second for room before it says that there is none.
    private static let retrySeconds = 5

    static func text(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static var stylesheet: Response {
        text(.ok, PageTemplates.stylesheet, type: "text/css; charset=utf-8")
    }

    static func logo(_ logo: CallbackFront.Logo) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: logo.type, .contentSecurityPolicy: Policy.picture],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: logo.bytes)))
    }
}
