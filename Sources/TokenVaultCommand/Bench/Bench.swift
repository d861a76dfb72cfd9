// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Synchronization
import TokenVault

/// The three measurements of `tokenvault bench`, on a vault of its own and a practice server.
struct Bench: Sendable {
    let connections: Int
    let inFlight: Int
    let seconds: Int
    let progress: ProgressBar

    /// What an operation took, in nanoseconds of CPU and of wall time, and how many there were.
    struct Result: Sendable {
        let name: String
        let operations: Int
        let cpu: Double
        let wall: Double

        init(_ name: String, _ operations: Int, _ stopwatch: Stopwatch) {
            self.name = name
            self.operations = operations
            cpu = stopwatch.cpu / Double(max(operations, 1))
            wall = stopwatch.wall / Double(max(operations, 1))
        }
    }

    /// How many puts wait for the disk together.
    private static let putsAtOnce = 512
    /// Reads between two looks at the clock.
    private static let readsAtOnce = 1024
    /// Puts that a slow disk manages in a second.
    private static let putsPerSecondMin = 4000

    /// About how long everything takes, in seconds, on a slow disk.
    var secondsAtMost: Int { connections / Self.putsPerSecondMin + 2 * seconds + 4 }

    private static func id(_ number: Int) throws -> ConnectionID {
        try ConnectionID("connection-\(number)")
    }

    /// Runs everything. A refresh that fails, is lost or is sent twice ends it.
    func run(_ vault: Vault) async throws -> [Result] {
        try progress.begin("the practice server makes \(connections) grants")
        var server = try PracticeProcess(grants: connections)
        let baseURL = String(decoding: try server.line(), as: UTF8.self)
        let application = try await register(vault, baseURL)
        // They open nothing anywhere, so they need not lie in the arena, which they would overfill.
        let grants = try (0..<connections).map { number in
            try progress.advance(to: Double(number) / Double(connections))
            return try Array(server.line())
        }
        let results = [
            try await put(vault, application, grants), try await read(vault),
            try await refresh(vault),
        ]
        let counters = try server.end()
        let stored = try (0..<connections).reduce(0) { sum, number in
            sum + Int(try vault.status(Self.id(number))?.refreshCount ?? 0)
        }
        guard stored == results[2].operations, counters.refreshes == stored,
            counters.tokenRequests == stored, counters.refreshesFailed == 0,
            counters.reuseDetected == 0, counters.peakConcurrentRefreshesOfOneGrant <= 1
        else {
            throw CommandFailure(
                .internalFault,
                "\(results[2].operations) refreshes returned, \(stored) are stored, and the "
                    + "server counts \(counters.tokenRequests): this must not happen")
        }
        return results
    }

    private func register(_ vault: Vault, _ baseURL: String) async throws -> ApplicationID {
        let id = try ApplicationID(PracticeProcess.clientID)
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(baseURL)/authorize",
            tokenEndpoint: "\(baseURL)/token")
        provider.clientAuthentication = .none
        provider.concurrentRefreshesMax = inFlight
        provider.refreshesPerSecondMax = Provider.refreshesPerSecondRange.upperBound
        try await vault.put(
            Application(
                id: id, provider: provider, clientID: PracticeProcess.clientID, clientSecret: nil,
                redirectURI: "\(baseURL)/callback"))
        return id
    }

    private func put(
        _ vault: Vault, _ application: ApplicationID, _ grants: [[UInt8]]
    ) async throws -> Result {
        try progress.begin("\(connections) connections are put")
        let done = Atomic(0)
        let stopwatch = Stopwatch()
        try await share(Self.putsAtOnce) { queue in
            for number in stride(from: queue, to: connections, by: Self.putsAtOnce) {
                try Task.checkCancellation()
                try await vault.put(
                    Self.id(number), PracticeProcess.tokens(grants[number]),
                    application: application)
                let count = done.add(1, ordering: .relaxed).newValue
                try progress.advance(to: Double(count) / Double(connections))
            }
        }
        return Result("durable put", connections, stopwatch)
    }

    private func read(_ vault: Vault) async throws -> Result {
        try progress.begin("tokens are read for \(seconds) s")
        let ids = try (0..<connections).map(Self.id).shuffled()
        var (reads, next) = (0, 0)
        let stopwatch = Stopwatch()
        while stopwatch.wall < Double(seconds) * 1e9 {
            try Task.checkCancellation()
            for _ in 0..<Self.readsAtOnce {
                let count = try await vault.withAccessToken(ids[next]) { $0.secret.count }
                guard count > 0 else { throw CommandFailure(.internalFault, "an empty token") }
                next = next + 1 == ids.count ? 0 : next + 1
            }
            reads += Self.readsAtOnce
            try progress.advance(to: stopwatch.wall / Double(seconds) / 1e9)
        }
        return Result("token read", reads, stopwatch)
    }

    /// Each queue refreshes connections of its own, one after the other and round again.
    private func refresh(_ vault: Vault) async throws -> Result {
        try progress.begin("tokens are refreshed for \(seconds) s")
        let done = Atomic(0)
        let queues = min(inFlight, connections)
        let stopwatch = Stopwatch()
        try await share(queues) { queue in
            var number = queue
            while stopwatch.wall < Double(seconds) * 1e9 {
                try Task.checkCancellation()
                try await vault.refresh(Self.id(number))
                number = number + queues < connections ? number + queues : queue
                done.add(1, ordering: .relaxed)
                try progress.advance(to: stopwatch.wall / Double(seconds) / 1e9)
            }
        }
        return Result("durable refresh", done.load(ordering: .relaxed), stopwatch)
    }

    private func share(
        _ queues: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in 0..<queues { group.addTask { try await body(queue) } }
            try await group.waitForAll()
        }
    }
}
