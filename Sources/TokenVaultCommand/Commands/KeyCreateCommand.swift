// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault key create`.
struct KeyCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key of the JSON API, and print it, this once.",
        discussion: """
            The key goes to stdout; to a terminal only with --reveal: a terminal keeps what it has \
            shown. Whoever has it can do what its scopes say until it expires or is revoked.

            SCOPES
            \(APIScope.allCases.map { "  \($0.rawValue)" }.joined(separator: "\n"))

            EXAMPLES
              tokenvault key create --name billing --scope tokens:read --scope usage:write \\
                --connection 'customer-7/*' --expires-in 90d > billing.key
            """)

    @Option(help: "What you call it: 1 to 255 bytes.")
    var name: String

    @Option(
        parsing: .singleValue,
        help: "What it may do, such as tokens:read; several with one --scope each.")
    var scope: [String] = []

    @Option(help: "Which connections it is for: an id, or what ids begin with and a final *.")
    var connection = "*"

    @Option(
        name: .customLong("expires-in"),
        help: ArgumentHelp(
            """
            After how long it is of no use any more, up to 3650d: a number and s, m, h or d. \
            Without it, it does not expire.
            """,
            valueName: "time"))
    var lifetime: String?

    @Flag(help: "Print it even to a terminal.")
    var reveal = false

    @OptionGroup var options: VaultOptions

    /// The longest life of a key, in seconds.
    private static let lifetimeSecondsMax: Int64 = 3650 * 86_400

    func validate() throws {
        guard !scope.isEmpty else {
            throw ValidationError("a key needs a --scope, such as --scope tokens:read")
        }
        for name in scope where APIScope(rawValue: name) == nil {
            let known = APIScope.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no scope \(name.printable); there are \(known)")
        }
        if let lifetime, Self.seconds(lifetime) == nil {
            throw ValidationError("--expires-in is a number and s, m, h or d, such as 90d")
        }
    }

    /// Nil where it is no time, or too long a one.
    static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last],
            text.dropLast().allSatisfy({ ("0"..."9").contains($0) }),
            let number = Int64(text.dropLast()), number > 0,
            number <= lifetimeSecondsMax / unit
        else { return nil }
        return number * unit
    }

    func run() async throws {
        guard reveal || !Outlet.output.isTerminal else {
            throw CommandFailure(
                .refused, "a key is not shown on a terminal: give --reveal, or use a pipe")
        }
        let secret = try APIKeySecret()
        let hash = try secret.hash()
        let form = NewAPIKeyForm(
            id: secret.id, hash: (0..<hash.count).map { hash.bytes.byte(at: $0) }, name: name,
            scopes: scope, connections: connection,
            lifetimeSeconds: lifetime.flatMap { Self.seconds($0) })
        try await options.withDoor { door in try await door.ask(.addAPIKey(form)) }
        try Outlet.output.line(secret.text)
    }
}
