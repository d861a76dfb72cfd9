// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import TokenVault

/// One connection from its beginning to its end, on a practice server, in about half a minute.
///
/// Each step is in a file of its own, prints what it does, and checks it; `run` is their order.
struct Demo {
    /// What to start and where, as the command line says.
    let options: Options
    /// Where everything is printed and every check is counted.
    let console: Console
    /// Whether secrets would lie in `memfd_secret` here.
    let hasSecretMemory: Bool

    /// The connection whose life is told.
    static let connectionName = "ada's account"
    /// The application at the practice server and in the vault.
    static let applicationName = "demo"
    /// Where the practice server sends the browser; nobody listens there, and nobody has to.
    static let redirectURI = "https://platform.example/callback/demo"
    /// How long access tokens live while the refresh loop is watched, in seconds. Real ones live
    /// for an hour or so; nobody wants to watch for that long.
    static let lifetimeSeconds = 8

    /// Runs everything and cleans up; returns the exit status, 0 where every check held.
    static func run(_ arguments: [String]) async -> Int32 {
        let console = Console()
        let options: Options
        do {
            guard let parsed = try Options(arguments.dropFirst()) else {
                console.write(Options.help)
                return 0
            }
            options = parsed
        } catch {
            console.write("tokenvault-demo: \(error.reason); --help says more\n")
            return 64
        }
        let started = ContinuousClock.now
        let demo = Demo(
            options: options, console: console, hasSecretMemory: hasSecretMemory())
        do {
            try await demo.tell()
        } catch {
            Leftovers.shared.waitIfStopping()
            // A vault's error holds a code and numbers, never a text of somebody else's.
            console.abort((error as? DemoFailure)?.reason ?? "\(error)")
        }
        Leftovers.shared.clear()
        demo.finish(started.duration(to: .now).components.seconds)
        return console.failures == 0 && !console.isAborted ? 0 : 1
    }

    private func tell() async throws {
        introduce()
        let directory = try Leftovers.shared.makeDirectory(keeping: options.keepsFiles)
        let random = try Secret(random: 24)
        let clientSecret = try random.hexadecimal()
        let server = try startServer(directory, clientSecret)
        let vault = try openVault(directory)
        var needles = Needles()
        let connection = try ConnectionID(Self.connectionName)
        try await vault.put(application(clientSecret, server))
        try await connect(connection, vault, server, &needles)
        try await keepFresh(connection, vault, server)
        try await lend(connection, vault, server, &needles)
        try await scanWhileLent(connection, vault, directory, needles)
        try await disconnect(connection, vault, server)
        try scanAfterwards(directory, needles)
        vault.close()
    }

    private func introduce() {
        console.title("TokenVault: the life of one connection")
        console.text(
            """
            When you let one service act for you at another ("connect my calendar"), the first
            gets two tokens from the second. The access token goes with every request and soon
            expires; the refresh token buys the next one. Whoever has them can act as you.
            TokenVault keeps them encrypted, renews them in time, and destroys them when told.

            Real:      the vault, its encryption and its files, every HTTP request, the scans.
            Practice:  the other service. It runs on this machine, and its accounts are invented.
            """)
    }

    private func finish(_ seconds: Int64) {
        console.blank()
        if let directory = Leftovers.shared.directory { console.row("kept", directory) }
        if console.isAborted {
            console.text("The demo could not go on. What it started has ended.")
        } else if console.failures > 0 {
            console.text(
                """
                \(console.failures) of \(console.checks) checks did not hold. Unless this machine \
                explains it, that is a bug:
                please report it with all that is printed above.
                """)
        } else {
            let gone = options.keepsFiles ? "server has ended" : "server and the files are gone"
            console.text(
                "All \(console.checks) checks held, in \(seconds) seconds. The practice \(gone).")
            console.blank()
            console.row("next", "swift run tokenvault --help", "the same from the command line")
            console.row("", "README.md", "the library in a few lines of Swift")
            console.row("", "make test", "every promise with a test that can fail")
            console.row("", "make bench", "how fast, on this machine")
        }
    }
}

/// Why the demo cannot go on, in a sentence for people.
struct DemoFailure: Error {
    /// The sentence. It never holds a token.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
