// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A page a person sees. Nothing of a request is ever on a page; what comes from a vault or from
/// the configuration is put there by the templates, which escape it.
struct Page: Sendable {
    let html: String

    /// To a host that is not served: it is told nothing, not even whose front this is.
    static let misdirected = Page(
        html: """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>Not served here</title></head>
            <body><main><h1>Not served here</h1><p>This host name is not one of ours.</p></main>
            </body>
            </html>

            """)

    enum Mark: String {
        case done, stopped

        /// The sign's strokes, in a box of 24.
        var path: String {
            switch self {
            case .done: "M6.5 12.5l3.6 3.6 7.4-8"
            case .stopped: "M12 6.8v6.4M12 16.9v.1"
            }
        }
    }
}

/// The pages of a front, with its name, its logo and its way back on each. Those that say the same
/// to everybody are made once.
struct PageSet: Sendable {
    let completed: Page
    let notFound: Page
    let refused: Page
    /// To a callback whose flow is still open.
    let busy: Page
    private let notes: [CompletionNote: Page]
    private let failures: [FailureReason: Page]
    private let frame: Frame

    /// What is around every page.
    private struct Frame: Sendable {
        let name: String?
        let hasLogo: Bool
        let wayBack: CallbackFront.WayBack?
        /// The path at which the front is mounted.
        let path: String

        var values: [String: Any] {
            var values: [String: Any] = ["path": path]
            if name != nil || hasLogo {
                var brand: [String: Any] = ["hasLogo": hasLogo]
                if let name { brand["name"] = name }
                values["brand"] = brand
            }
            if let wayBack { values["wayBack"] = ["label": wayBack.label, "url": wayBack.url] }
            return values
        }

        func message(_ title: String, _ mark: Page.Mark, _ paragraphs: [String]) -> Page {
            var values = values
            values["title"] = title
            values["mark"] = ["kind": mark.rawValue, "strokes": mark.path]
            values["paragraphs"] = paragraphs
            return Page(html: PageTemplates.render(.message, values))
        }
    }

    /// - Parameter path: at which the front is mounted; empty for the root.
    init(_ configuration: CallbackFront.Configuration, path: String) {
        let frame = Frame(
            name: configuration.name, hasLogo: configuration.logo != nil,
            wayBack: configuration.wayBack, path: path)
        self.frame = frame
        completed = frame.message(
            "Authorization completed", .done,
            ["Your account is connected.", "You can close this window."])
        notFound = frame.message(
            "There is nothing here", .stopped,
            [
                "The address is not one of ours.",
                "Go back to where you started and connect again.",
            ])
        refused = frame.message(
            "This request cannot be served", .stopped,
            ["Nothing was connected.", "Go back to where you started and connect again."])
        busy = frame.message(
            "This takes a moment longer", .stopped,
            [
                "Too much goes on here at once. Nothing was connected yet, and nothing is lost.",
                "Reload this page in a few seconds: your sign-in then goes on where it stopped.",
            ])
        notes = CompletionNote.allCases.reduce(into: [:]) { pages, note in
            pages[note] = frame.message("Authorization completed", .done, note.paragraphs)
        }
        failures = FailureReason.allCases.reduce(into: [:]) { pages, reason in
            pages[reason] = frame.message(
                reason.title, .stopped, [reason.explanation, reason.nextStep])
        }
    }

    /// The flow is completed, and there is something to be said about it.
    func completed(note: String) -> Page {
        CompletionNote(rawValue: note).flatMap { notes[$0] } ?? completed
    }

    /// The flow has failed.
    func failed(_ reason: String) -> Page {
        failures[FailureReason(rawValue: reason) ?? .unknown] ?? refused
    }

    /// What a link shows: nothing happens until its button is pressed.
    func connect(_ target: borrowing LinkTarget) -> Page {
        var values = frame.values
        let verb = target.isReconnect ? "Reconnect" : "Connect"
        values["title"] = "\(verb) \(target.providerName)"
        let who = frame.name.map { "\($0) asks" } ?? "You are asked"
        values["paragraphs"] = [
            "\(who) for access to an account at \(target.providerName)."
                + (target.isReconnect ? " It takes the place of the one it has." : ""),
            "The button takes you to \(target.providerName), where you sign in and decide. "
                + "Nothing is connected before that.",
        ]
        values["button"] = verb
        if !target.scopes.isEmpty { values["requested"] = ["scopes": target.scopes] }
        return Page(html: PageTemplates.render(.connect, values))
    }
}

/// What is said of a flow that is completed, beside that: the last part of `/completed/...`.
enum CompletionNote: String, CaseIterable, Sendable {
    /// The provider granted less than was asked for.
    case scopesMissing
    /// Another account than before came back.
    case otherAccount

    var paragraphs: [String] {
        switch self {
        case .scopesMissing:
            [
                "Your account is connected, but the provider granted less than was asked for: some "
                    + "of what relies on this connection may not work.",
                "To grant the rest, connect again and leave all of it allowed. Otherwise you can "
                    + "close this window.",
            ]
        case .otherAccount:
            [
                "Your account is connected. It is not the account that was connected here before.",
                "If you meant the earlier one, sign in to it at the provider and connect again. "
                    + "Otherwise you can close this window.",
            ]
        }
    }
}
