// SPDX-License-Identifier: Apache-2.0

/// What a person sees at the end of a flow. It says nothing that came from outside.
struct LoopbackPage {
    let status: Int
    let title: String
    let text: String

    static let completed = LoopbackPage(
        status: 200, title: "Authorization completed", text: "You can close this window.")
    static let failed = LoopbackPage(
        status: 400, title: "Authorization failed",
        text: "The terminal says why, and what to do next.")

    /// Whatever is not the callback.
    static func other(_ status: Int) -> LoopbackPage {
        LoopbackPage(status: status, title: "Nothing here", text: "This is not the callback.")
    }

    var response: String {
        let reasons = [
            200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
            431: "Request Header Fields Too Large",
        ]
        let page = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <title>\(title)</title>
            <h1>\(title)</h1>
            <p>\(text)</p>
            </html>

            """
        // The address holds the code: it must neither be sent on as a referrer nor be kept.
        let head = [
            "HTTP/1.1 \(status) \(reasons[status] ?? "Error")",
            "Content-Type: text/html; charset=utf-8", "Content-Length: \(page.utf8.count)",
            "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
            "Referrer-Policy: no-referrer", "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff", "Connection: close",
        ]
        return head.joined(separator: "\r\n") + "\r\n\r\n" + page
    }
}
