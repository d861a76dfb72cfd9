// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CallbackFront
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TokenVault
import TokenVaultServices
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

            With --config it takes its settings from a file of YAML. Options that are given as \
            well win over it. `tokenvault config show` prints a file with every setting, \
            `tokenvault config check` says all that is wrong in one; `serve` ends with 78 then.

            EXAMPLES
              tokenvault serve --vault v --key-file v.key
              tokenvault serve --config /etc/tokenvault/serve.yaml
              tokenvault serve --vault v --key-fd 3 3< <(systemd-creds decrypt v.cred -)
              tokenvault serve --vault v --key-file v.key --api unix:/run/tokenvault/api
            """)

    @Option(help: ArgumentHelp("File with settings (YAML).", valueName: "file"))
    var config: String?

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
            3600, 60 without it. A request unanswered by then is recorded as in doubt, and its \
            connection is not refreshed again for up to five minutes.
            """)
    var drain: Int64?

    @Flag(help: "Refuse to serve if memory cannot be locked, so that no secret can reach swap.")
    var requireLockedMemory = false

    @OptionGroup var watching: WatchOptions
    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard drain.map(ServeSettings.drainSecondsRange.contains) ?? true else {
            throw ValidationError("--drain is 0 to 3600 seconds")
        }
    }

    func run() async throws {
        // A client that hangs up is an error of one request, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let early = try EarlySignals()
        DescriptorLimit.raise()
        let settings = try settings()
        let options = options.filled(from: settings)
        let log = ServiceLog(settings.logFormat)
        defer { log.finish() }
        let listeners = Listeners(
            [settings.front.listen != nil, settings.metrics != nil, settings.api != nil])
        let front = try Self.callbackFront(settings.front, log) { listeners.note() }
        let folder = try VaultFolder(options.location.path())
        // Before the first secret is read.
        try LockedMemory.check(
            SecretArena.shared.kind, isRequired: settings.requiresLockedMemory, log.warn)
        ServiceLimits.check(try options.location.path(), log.warn)
        let door = try Self.open(folder, options, settings, log)
        let control: ControlServer
        do {
            if settings.readsUnverified { log.warn(ReadOptions.warningText) }
            control = try ControlServer(folder, door)
            try control.start()
        } catch {
            folder.removeSocket()
            door.close()
            throw error
        }
        let ending = Ending()
        let readiness = Readiness()
        let refresh = RefreshService(
            door: door, readsUnverified: settings.readsUnverified,
            drain: .seconds(settings.drainSeconds), listening: listeners.ready, ending: ending,
            readiness: readiness, log: log, early: early)
        do {
            let front = try front.map { try Self.front(door.vault, $0) }
            let metrics = try settings.metrics.map { address in
                MetricsService(
                    vault: door.vault, front: front, readiness: readiness,
                    configuration: WatchOptions.configuration(
                        address, path: try options.location.path(), log
                    ) { listeners.note() })
            }
            // The last one is told first that it is to end: whoever is at the front has that long,
            // too, and whoever watches sees it to the end.
            let api = try settings.api.map {
                try $0.service(door.vault, front) { listeners.note() }
            }
            let services: [(any Service)?] = [metrics, api, front, refresh]
            try await serve(services.compactMap(\.self), refresh.group, settings)
        } catch {
            await ending.end(control, door)
            throw error
        }
        await ending.end(control, door)
    }

    private func serve(
        _ services: [any Service], _ shared: SharedGroup, _ settings: ServeSettings
    ) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "tokenvault") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(
            settings.drainSeconds + Ending.graceSeconds)
        do {
            let group = ServiceGroup(configuration: configuration)
            shared.set(group)
            try await group.run()
        } catch is CancellationError {
            // Somebody at the front took longer than that.
        } catch let error as CallbackFrontError where error.code == .cannotListen {
            throw Self.cannotListen(
                settings.front.listen?.text, listen == nil ? "listen" : "--listen",
                Int32(error.number))
        } catch let error as MetricsService.CannotListen {
            throw Self.cannotListen(
                settings.metrics?.text, watching.metrics == nil ? "metrics" : "--metrics",
                error.number)
        } catch let error as VaultAPIError where error.code == .cannotListen {
            throw Self.cannotListen(
                settings.api?.text, api == nil ? "api" : "--api", error.number)
        }
    }

    private static func cannotListen(
        _ address: String?, _ option: String, _ number: Int32
    ) -> CommandFailure {
        let reason = number == 0 ? "no such address" : SystemMessage.of(number)
        return CommandFailure(
            .cannotCreate,
            "cannot listen on \((address ?? "").printable), which \(option) says: \(reason)")
    }

    private static func open(
        _ folder: VaultFolder, _ options: VaultOptions, _ settings: ServeSettings,
        _ log: ServiceLog
    ) throws -> OwnVault {
        do {
            return try options.open(
                readsUnverified: settings.readsUnverified, endsWithRequest: false,
                log: { log.event($0) },
                front: settings.front.listen == nil ? nil : settings.front
            ) {
                $0.logsRefreshes = settings.logsRefreshes
                $0.endNotice = .seconds(settings.endNoticeDays * 86_400)
            }
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
            throw CommandFailure(.usage, "\(Self.remedy(error.code)) (\(error))")
        }
    }

    private static func remedy(_ code: CallbackFrontError.Code) -> String {
        switch code {
        case .baseURLRefused:
            "--public-url (public_url) and hosts are each https and a host, no host twice; without "
                + "them --listen is an address of this machine alone, such as 127.0.0.1:8080"
        case .redirectRefused:
            "success_redirects and failure_redirects are absolute https:// URLs without query and "
                + "fragment"
        case .confirmationURLRefused:
            "confirmation_url is an absolute https:// URL without query and fragment"
        case .pagesRefused:
            "name and back_label are 1 to 64 bytes, back_url is an https:// URL, and logo is a "
                + "picture of at most 256 KiB"
        default: "browsers cannot be answered with these settings"
        }
    }
}

/// The group of services, for one of them.
final class SharedGroup: Sendable {
    private let group = Mutex<ServiceGroup?>(nil)

    func set(_ other: ServiceGroup) { group.withLock { $0 = other } }

    func end() async { await group.withLock { $0 }?.triggerGracefulShutdown() }
}

/// How many listeners are still to come before the process is ready.
private final class Listeners: Sendable {
    /// Ends when all are there.
    let ready: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let missing: Mutex<Int>

    /// - Parameter isAwaited: of each, whether there is to be one.
    init(_ isAwaited: [Bool]) {
        let count = isAwaited.count { $0 }
        (ready, continuation) = AsyncStream.makeStream(of: Void.self)
        missing = Mutex(count)
        if count == 0 { continuation.finish() }
    }

    /// One is there.
    func note() {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing == 0
        }
        if isLast { continuation.finish() }
    }
}
