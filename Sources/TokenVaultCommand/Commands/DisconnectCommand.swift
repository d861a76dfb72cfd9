// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault disconnect`.
struct DisconnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect",
        abstract: "Stop, revoke and erase a connection.",
        discussion: """
            Its tokens are revoked at the provider, where that has an endpoint for it, and erased \
            so that nobody can read them again, not even with the root key. The receipt says what \
            was done. Where a token was not revoked and has not expired, its first line, \
            tokens_live_on in JSON and the exit status (69) say that it lives on there: the \
            provider is down, refuses, has no revocation endpoint, or may still have grants from \
            before the connection was connected again. The user can end the grant on the \
            provider's own page. The id can be connected again. On a terminal it asks first. Where \
            this process ends during --wait, by Ctrl-C for one, the next that opens the vault, \
            serve too, erases what is left and revokes nothing; a vault that is served goes on \
            trying.

            EXAMPLES
              tokenvault disconnect anna
              tokenvault disconnect anna --yes --json
              tokenvault disconnect anna --wait 60
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Where the provider is down, try for so long to revoke before erasing.",
            valueName: "seconds"))
    var wait = 0

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "The receipt as one JSON object.")
    var json = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (0...Self.waitSecondsMax).contains(wait) else {
            throw ValidationError("--wait is a number of seconds, 0 to \(Self.waitSecondsMax)")
        }
    }

    /// A day, as the library has it.
    private static let waitSecondsMax = 86_400

    func run() async throws {
        try await options.withDoor { door in
            // Somebody who mistyped an id learns it before being asked.
            _ = try await door.status(id: id)
            if !yes, Outlet(descriptor: 0).isTerminal {
                let question = "Revoke and erase \(id.printable) for ever?"
                guard try Prompt().agrees(question) else {
                    throw CommandFailure(.temporaryFailure, "nothing was changed")
                }
            }
            var unrevoked: UnrevokedTokens?
            let notice = Task { [wait, id] in try await Self.notice(id, wait, door is ServedVault) }
            defer { notice.cancel() }
            try await door.ask(.disconnect(id: id, waitSeconds: wait)) { reply in
                guard case .receipt(let receipt) = reply else { return }
                unrevoked = UnrevokedTokens(receipt)
                try show(receipt)
            }
            if let unrevoked {
                throw CommandFailure(.providerUnavailable, "\(id): \(unrevoked.remedy)")
            }
        }
    }

    /// How soon somebody who waits is told what for.
    private static let noticeInterval = Duration.seconds(1)

    /// Tells somebody who waits what an end of the wait leaves undone.
    private static func notice(_ id: String, _ wait: Int, _ isServed: Bool) async throws {
        guard wait > 0 else { return }
        try await Task.sleep(for: noticeInterval)
        let rest =
            isServed
            ? "Ctrl-C ends this command; the process that serves goes on trying."
            : "Ctrl-C ends the wait: the next process that opens the vault, serve too, then erases "
                + "the tokens without revoking them."
        try Outlet.errors.line(
            "\(id.printable): not revoked at the provider yet; trying for up to \(wait) s. \(rest)")
    }

    private func show(_ receipt: ReceiptForm) throws {
        if json { return try Outlet.output.line(JSONLine.of(receipt)) }
        var answers = "in"
        if !receipt.everyAnswerIn {
            answers =
                receipt.listensUntil == nil
                ? "that to a refresh was never heard" : "one refresh was still unanswered"
        }
        if let end = receipt.listensUntil { answers += "; listened for until \(end.time.text)" }
        var rows = [
            ("refresh token", receipt.refreshToken), ("access token", receipt.accessToken),
            ("provider's answers", answers), ("key slots erased", String(receipt.erasedSlots)),
            ("erasure", receipt.erasure), ("completed", receipt.completed.time.text),
        ]
        if receipt.earlierGrants > 0 {
            let count = "\(receipt.earlierGrants) may live on at the provider"
            rows.insert(("earlier grants", count), at: 2)
        }
        if receipt.accessTokenLivesOn {
            let end = receipt.accessTokenExpires?.time.text ?? "unknown"
            rows.insert(("access token expires", end), at: 2)
        }
        let rest = UnrevokedTokens(receipt).map { ", \($0.headline)" } ?? ""
        try Outlet.output.line("disconnected \(receipt.id.printable)\(rest)")
        for (name, value) in rows {
            try Outlet.output.line("  \(name.padded(to: 22))\(value.printable)")
        }
    }
}
