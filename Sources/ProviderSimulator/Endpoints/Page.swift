// SPDX-License-Identifier: Apache-2.0

/// The pages a person sees. They say that nothing here is real, contain no script, and escape
/// everything that came from outside.
struct Page {
    let html: String

    /// What the captive portal fault answers.
    static let portal = "<!doctype html><title>Guest network</title><p>Please accept the terms."

    /// The question whether to give the client what it asks for.
    static func consent(
        _ form: Form, _ request: AuthorizationRequest, action: Substring = "/authorize"
    ) -> Page {
        let hidden = form.all.filter { $0.name != "user" && $0.name != "decision" }.map {
            "<input type=\"hidden\" name=\"\(escape($0.name))\" value=\"\(escape($0.value))\">"
        }
        let place = request.consent.map { " at \(escape($0.provider.name))" } ?? ""
        let scopes = request.scope.split(separator: " ").map { "<li>\(escape(String($0)))</li>" }
        return Page(
            title: "Connect \(request.client.id)?",
            content: """
                <p><b>\(escape(request.client.id))</b> asks for access to your practice \
                account\(place)\
                \(scopes.isEmpty ? "." : ":")</p>
                <ul>\(scopes.joined())</ul>
                <form method="post" action="\(escape(String(action)))">
                \(hidden.joined(separator: "\n"))
                <label>User name <input name="user" value="ada" maxlength="64" required></label>
                <p>
                <button name="decision" value="approve">Approve</button>
                <button name="decision" value="deny" formnovalidate>Deny</button>
                </p>
                </form>
                """)
    }

    /// Where a user code is typed.
    static func userCode() -> Page {
        Page(
            title: "Connect a device",
            content: """
                <form method="get" action="/device">
                <label>Code <input name="user_code" maxlength="64" required></label>
                <p><button>Go on</button></p>
                </form>
                """)
    }

    /// The question whether to give the device's client what it asks for.
    static func deviceConsent(_ device: DeviceRequest) -> Page {
        let scopes = device.scope.split(separator: " ").map { "<li>\(escape(String($0)))</li>" }
        return Page(
            title: "Connect \(device.clientID)?",
            content: """
                <p><b>\(escape(device.clientID))</b>, on the device that shows \
                <b>\(escape(device.userCode))</b>, asks for access to your practice account\
                \(scopes.isEmpty ? "." : ":")</p>
                <ul>\(scopes.joined())</ul>
                <form method="post" action="/device">
                <input type="hidden" name="user_code" value="\(escape(device.userCode))">
                <label>User name <input name="user" value="ada" maxlength="64" required></label>
                <p>
                <button name="decision" value="approve">Approve</button>
                <button name="decision" value="deny" formnovalidate>Deny</button>
                </p>
                </form>
                """)
    }

    /// The end of that.
    static func decided(isApproved: Bool) -> Page {
        Page(
            title: isApproved ? "Connected" : "Denied",
            content: "<p>You may close this page and go back to your device.</p>")
    }

    /// A request that must not be answered by a redirect.
    static func refusal(_ words: StaticString) -> Page {
        Page(title: "This request cannot go on", content: "<p>\(escape(words.description))</p>")
    }

    /// The part of a redirect URI that a Content-Security-Policy names: scheme, host and port.
    static func source(of uri: String) -> String {
        let scheme = uri.prefix { $0 != ":" }
        let rest = uri.dropFirst(scheme.count)
        guard rest.hasPrefix("://") else { return scheme + ":" }
        let authority = rest.dropFirst(3).prefix { $0 != "/" && $0 != "?" }
        // The grammar has no IPv6 addresses, so that only the scheme can be named.
        return authority.hasPrefix("[") ? scheme + ":" : scheme + "://" + authority
    }

    private init(title: String, content: String) {
        html = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>\(Page.escape(title))</title>
            <style>
            body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 3rem auto; \
            padding: 0 1rem; color: #1a1a1a; background: #fff; }
            .note { border: 2px dashed #b35900; padding: .5rem 1rem; }
            button { font: inherit; padding: .4rem 1.2rem; }
            input { font: inherit; padding: .3rem; }
            </style>
            <body>
            <p class="note">Practice provider: a development aid. No password is asked for, and no \
            account here is real.</p>
            <h1>\(Page.escape(title))</h1>
            \(content)
            </body>
            </html>
            """
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
