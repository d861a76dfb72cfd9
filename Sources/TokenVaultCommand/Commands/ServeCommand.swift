// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CallbackFront
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TokenVault
import UnixSignals
import VaultAPI

/// `tokenvault serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Own the vault: refresh every token on time and answer the other commands.",
        discussion: """
            Prints `ready` once every record has been verified and requests are answered; with \
            --listen, once browsers are answered, too. On SIGTERM or SIGINT it sends nothing new, \
            waits up to --drain seconds for answers to requests it has sent, and ends.

            While it runs, the other commands go through the socket `control` in the vault's \
            directory. They need no key, and their --allow-loopback-http, --ca-file, --resolve, \
            --allow-network, --nat64-prefix, --proxy and --read-unverified have no effect: what \
            counts is what `serve` was given. Only processes of the same user are answered.

            With --read-unverified a damaged vault is served, too: `ready` is printed after a \
            warning, what still opens is read and lent, and nothing is refreshed, sent or written. \
            Without it a damaged vault is not served, and the exit status is 65.

            EXAMPLES
              tokenvault serve --vault v --key-file v.key
              tokenvault serve --vault v --key-fd 3 3< <(systemd-creds decrypt v.cred -)
              tokenvault serve --vault v --key-file v.key --api unix:/run/tokenvault/api
            """)

    @Option(
        help: """
            Address and port for callbacks over HTTP, such as 127.0.0.1:8080 or [::1]:8080. If \
            it is taken, the exit status is 73 and nothing is served. Choose another port than \
            that of a redirect URI on which `tokenvault connect` listens itself.
            """)
    var listen: String?

    @Option(
        name: .customLong("public-url"),
        help: "What browsers see instead of --listen, such as https://oauth2.example.com.")
    var publicURL: String?

    @Option(
        help: """
            Where the JSON API listens for programs that show a key of `tokenvault key create`: \
            an address of loopback and a port, such as 127.0.0.1:8081, or unix:PATH for a socket \
            of mode 0600. What it takes and answers is at /v1/openapi.json.
            """)
    var api: String?

    @Option(
        parsing: .unconditional,
        help: """
            How many seconds to wait, at the end, for answers to requests that were sent; 0 to \
            3600. A request unanswered by then is recorded as in doubt, and its connection is not \
            refreshed again for up to five minutes.
            """)
    var drain: Int64 = 60

    @Flag(help: "Refuse to serve if memory cannot be locked, so that no secret can reach swap.")
    var requireLockedMemory = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (0...3600).contains(drain) else {
            throw ValidationError("--drain is 0 to 3600 seconds")
        }
    }

    func run() async throws {
        // A client that hangs up is an error of one request, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        DescriptorLimit.raise()
        let listening = AsyncStream.makeStream(of: Void.self)
        let openings = Openings(listening.continuation)
        let front = try callbackFront { openings.end() }
        if front != nil { openings.begin() }
        let api = try api.map { text throws(CommandFailure) in try APIAddress(text) }
        if api != nil { openings.begin() }
        openings.end()
        let folder = try VaultFolder(options.location.path())
        // Before the first secret is read.
        try LockedMemory.check(SecretArena.shared.kind, isRequired: requireLockedMemory)
        let door = try open(folder)
        let control: ControlServer
        do {
            if reading.readUnverified { try Outlet.errors.line(ReadOptions.warning) }
            control = try ControlServer(folder, door)
            try control.start()
        } catch {
            folder.removeSocket()
            door.close()
            throw error
        }
        let ending = Ending()
        do {
            try await serve(
                door,
                RefreshService(
                    door: door, readsUnverified: reading.readUnverified, drain: .seconds(drain),
                    listening: listening.stream, ending: ending),
                front, api, openings)
        } catch {
            await ending.end(control, door)
            throw error
        }
        await ending.end(control, door)
    }

    private func serve(
        _ door: OwnVault, _ refresh: RefreshService, _ front: CallbackFront.Configuration?,
        _ api: APIAddress?, _ openings: Openings
    ) async throws {
        // The last one is told first that it is to end: whoever is at the front has that long, too.
        var services: [any Service] = [refresh]
        let front = try front.map { try Self.front(door.vault, $0) }
        if let front { services.insert(front, at: 0) }
        if let api {
            services.insert(try api.service(door.vault, front) { openings.end() }, at: 0)
        }
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "tokenvault") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(drain + Ending.graceSeconds)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError {
            // Somebody at the front took longer than that.
        } catch let error as CallbackFrontError where error.code == .cannotListen {
            let reason =
                error.number == 0 ? "no such address" : SystemMessage.of(error.number)
            throw CommandFailure(
                .cannotCreate, "cannot listen on \(listen ?? ""), which --listen says: \(reason)")
        } catch let error as VaultAPIError where error.code == .cannotListen {
            throw APIAddress.taken(self.api ?? "", error)
        }
    }

    private func open(_ folder: VaultFolder) throws -> OwnVault {
        do {
            return try options.open(
                readsUnverified: reading.readUnverified, endsWithRequest: false)
        } catch let error as VaultError where error.code == .vaultLocked {
            throw folder.owned()
        }
    }

    private static func front(
        _ vault: Vault, _ configuration: CallbackFront.Configuration
    ) throws(CommandFailure) -> CallbackFront {
        do throws(CallbackFrontError) {
            return try CallbackFront(vault: vault, configuration: configuration)
        } catch {
            throw CommandFailure(
                .usage,
                "--public-url is https and a host, nothing more; without it --listen is an "
                    + "address of this machine alone, such as 127.0.0.1:8080 (\(error))")
        }
    }

    /// How browsers are answered; nil where nobody asked for that.
    private func callbackFront(
        _ isListening: @escaping @Sendable () -> Void
    ) throws -> CallbackFront.Configuration? {
        guard let listen else {
            guard publicURL == nil else {
                throw CommandFailure(.usage, "--public-url needs --listen")
            }
            return nil
        }
        let address = try ListenAddress(listen)
        var configuration = CallbackFront.Configuration()
        configuration.host = address.host
        configuration.port = Int(address.port)
        configuration.publicBaseURL = publicURL
        configuration.onServerRunning = { _ in isListening() }
        return configuration
    }
}

/// The end of the process: what was asked for has as long as the drain, and a little more. Then it
/// is told that the vault is closed; a disconnect that is cut off so is finished by the next open.
private final class Ending: Sendable {
    static let graceSeconds: Int64 = 1
    /// When the waiting is over, once it has begun.
    private let deadline = Mutex<Int64?>(nil)

    /// The process was asked to end.
    func begin(_ drain: Duration) {
        let seconds = drain.components.seconds + Self.graceSeconds
        deadline.withLock { $0 = Deadline.after(milliseconds: seconds * 1000) }
    }

    func end(_ control: ControlServer, _ door: OwnVault) async {
        let deadline = deadline.withLock { $0 } ?? Deadline.after(milliseconds: 0)
        await control.finish(by: deadline)
        await door.closeElsewhere()
        await control.finish(by: Deadline.after(milliseconds: Self.graceSeconds * 1000))
    }
}

/// Refreshes until the process is asked to end.
private struct RefreshService: Service {
    let door: OwnVault
    let readsUnverified: Bool
    let drain: Duration
    /// Ends when browsers are answered.
    let listening: AsyncStream<Void>
    let ending: Ending

    func run() async throws {
        let vault = door.vault
        do {
            try await cancelWhenGracefulShutdown { try await vault.ready() }
        } catch let error as VaultError {
            // Nobody waits for it any more; whoever asked for something is told that it is over.
            if error.code == .cancelled { return await door.closeElsewhere() }
            guard readsUnverified, error.failure.status == .badData else { throw error }
            // Somebody salvages what can be read.
            try Outlet.errors.line("tokenvault: warning: \(error.failure.message)")
            try Outlet.errors.line(
                "tokenvault: warning: reading only: what still opens is read and lent; nothing is "
                    + "refreshed, sent or written")
            if try await sayReady() { try await gracefulShutdown() }
            return
        }
        guard try await sayReady() else { return }
        try await cancelWhenGracefulShutdown { try await vault.run() }
        ending.begin(drain)
        let left = await vault.drain(for: drain)
        if left > 0 {
            try Outlet.errors.line(
                "tokenvault: ended with \(left.counted("refresh request")) unanswered, recorded as "
                    + "in doubt")
        }
    }

    /// False where the process was asked to end before browsers are answered.
    private func sayReady() async throws -> Bool {
        await cancelWhenGracefulShutdown { for await _ in listening {} }
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return false }
        try Outlet.output.line("ready")
        return true
    }
}
