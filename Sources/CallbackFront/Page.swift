// SPDX-License-Identifier: Apache-2.0

/// A page a person sees. Everything on it is written here or in `FailureReason`: nothing of a
/// request is ever on a page, so there is nothing to escape.
struct Page: Sendable {
    let html: String

    /// The flow is completed.
    static let completed = Page(
        title: "Authorization completed", mark: .done,
        paragraphs: ["Your account is connected.", "You can close this window."])

    /// The flow has failed.
    static func failed(_ reason: FailureReason) -> Page {
        Page(
            title: reason.title, mark: .stopped,
            paragraphs: [reason.explanation, reason.nextStep])
    }

    /// A request that nothing answers to.
    static let notFound = Page(
        title: "There is nothing here", mark: .stopped,
        paragraphs: [
            "The address is not one of ours.", "Go back to where you started and connect again.",
        ])

    /// A request that is not served, for its size or because of a fault of ours.
    static let refused = Page(
        title: "This request cannot be served", mark: .stopped,
        paragraphs: [
            "Nothing was connected.", "Go back to where you started and connect again.",
        ])

    private enum Mark: String {
        case done, stopped

        /// The sign's strokes, in a box of 24.
        var path: String {
            switch self {
            case .done: "M6.5 12.5l3.6 3.6 7.4-8"
            case .stopped: "M12 6.8v6.4M12 16.9v.1"
            }
        }
    }

    private init(title: String, mark: Mark, paragraphs: [String]) {
        html = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="robots" content="noindex">
            <title>\(title)</title>
            <link rel="stylesheet" href="/style.css">
            </head>
            <body>
            <main class="\(mark.rawValue)">
            <svg viewBox="0 0 24 24" width="56" height="56" aria-hidden="true">\
            <circle cx="12" cy="12" r="12"/><path d="\(mark.path)"/></svg>
            <h1>\(title)</h1>
            \(paragraphs.map { "<p>\($0)</p>" }.joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    /// The stylesheet of every page.
    static let stylesheet = """
        :root {
          color-scheme: light dark;
          --ground: #f4f5f2; --card: #ffffff; --text: #1c211f; --quiet: #59615d;
          --line: #e2e5e0; --done: #1f7a4d; --stopped: #a3541b; --sign: #ffffff;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #121514; --card: #1b1f1d; --text: #eef1ee; --quiet: #a7b0ab;
            --line: #2b312e; --done: #5cc48f; --stopped: #e2a06c; --sign: #121514;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1.5rem;
          display: grid; place-items: center;
          background: var(--ground); color: var(--text);
          font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
        }
        main {
          width: 100%; max-width: 27rem; padding: 2.75rem 2.25rem 2.5rem;
          background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
          text-align: center;
        }
        svg { display: block; margin: 0 auto 1.5rem; }
        circle { fill: var(--stopped); }
        .done circle { fill: var(--done); }
        path {
          fill: none; stroke: var(--sign); stroke-width: 2;
          stroke-linecap: round; stroke-linejoin: round;
        }
        h1 {
          margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650;
          letter-spacing: -.01em; text-wrap: balance;
        }
        p { margin: 0; color: var(--quiet); text-wrap: pretty; }
        p + p {
          margin-top: 1.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line);
          color: var(--text);
        }

        """
}
