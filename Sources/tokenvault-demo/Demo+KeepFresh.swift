// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TokenVault

extension Demo {
    /// How many connections there are beside the first.
    private static let otherConnections = 300
    /// How long the refresh loop is watched.
    private static let watched = Duration.seconds(16)
    /// How long its last answers may take, once it was told to stop.
    private static let settling = Duration.seconds(20)

    /// Step 4: many connections, refreshed before their tokens expire.
    func keepFresh(
        _ first: ConnectionID, _ vault: Vault, _ server: PracticeServer
    ) async throws {
        console.step("Keep \(Self.otherConnections + 1) connections fresh")
        console.text(
            """
            The practice service makes up \(Self.otherConnections) people who have consented. \
            For \(Self.watched.components.seconds) seconds the
            vault renews everybody's tokens before they expire, by itself.
            """)
        let all = [first] + (try await seed(vault, server))
        let loop = Task { try await vault.run() }
        let started = ContinuousClock.now
        var shortest = Int64.max
        while started.duration(to: .now) < Self.watched {
            try await Task.sleep(for: .milliseconds(400))
            shortest = min(shortest, try shortestLife(of: all, vault))
            let refreshes = try server.counters()["refreshes"]
            let elapsed = started.duration(to: .now)
            console.progress(
                min(1, elapsed / Self.watched),
                "\(elapsed.components.seconds) s   \(refreshes) refreshes   "
                    + "\(Int(Double(refreshes) / (elapsed / .seconds(1)))) per second")
        }
        // What is issued from now on outlives the demo, so that the memory rests while it is read.
        try server.set(lifetimeSeconds: 3600)
        loop.cancel()
        if case .failure(let error) = await loop.result { throw error }
        let counted = try await settledCount(of: all, vault, server)
        try judge(all, vault, server, counted: counted, shortest: shortest)
    }

    /// Puts grants into the vault that come due one after the other.
    private func seed(_ vault: Vault, _ server: PracticeServer) async throws -> [ConnectionID] {
        var carriers: [Carrier] = []
        try server.mint(Self.otherConnections) { accessToken, refreshToken in
            // Half of the lifetime to all of it: what is made together is not due together.
            let lifetime = Int64(Self.lifetimeSeconds) * 1000
            let part =
                lifetime / 2 + lifetime / 2 * Int64(carriers.count)
                / Int64(Self.otherConnections)
            let tokens = TokenSet(
                accessToken: accessToken, refreshToken: refreshToken,
                accessTokenExpiry: SystemTime().now().adding(milliseconds: part))
            carriers.append(Carrier(try ConnectionID("customer \(carriers.count + 1)"), tokens))
        }
        let application = try ApplicationID(Self.applicationName)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for carrier in carriers {
                group.addTask { try await carrier.unload(into: vault, application) }
            }
            try await group.waitForAll()
        }
        return carriers.map(\.connection)
    }

    /// The shortest time that any token has left, in milliseconds; negative where one has expired.
    private func shortestLife(of connections: [ConnectionID], _ vault: Vault) throws -> Int64 {
        let now = SystemTime().now()
        var shortest = Int64.max
        for connection in connections {
            guard let expiry = try vault.status(connection)?.accessTokenExpiry else { continue }
            shortest = min(shortest, expiry.milliseconds(since: now))
        }
        return shortest
    }

    /// How many refreshes the vault has stored, once the last answers are in.
    private func settledCount(
        of connections: [ConnectionID], _ vault: Vault, _ server: PracticeServer
    ) async throws -> Int {
        let started = ContinuousClock.now
        while true {
            var counted = 0
            for connection in connections {
                counted += Int(try vault.status(connection)?.refreshCount ?? 0)
            }
            let isSettled = try server.counters()["refreshes"] == counted
            if isSettled || started.duration(to: .now) > Self.settling { return counted }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func judge(
        _ all: [ConnectionID], _ vault: Vault, _ server: PracticeServer, counted: Int,
        shortest: Int64
    ) throws {
        let counters = try server.counters()
        let alive = try server.grants().count { $0.contains("\"alive\":true") }
        let red = try all.filter { try vault.status($0)?.light == .red }
        console.row("refreshes", "\(counters["refreshes"])", "as the practice service counts them")
        console.check(
            counted == counters["refreshes"] && counters["refreshesFailed"] == 0,
            "none lost: the vault has stored as many, none was refused",
            otherwise: "stored \(counted), refused \(counters["refreshesFailed"])")
        console.check(
            counters["reuseDetected"] == 0
                && counters["peakConcurrentRefreshesOfOneGrant"] == 1,
            "none doubled: no refresh token twice, never two at once for one",
            otherwise: "reused \(counters["reuseDetected"]), at most "
                + "\(counters["peakConcurrentRefreshesOfOneGrant"]) at once")
        console.check(
            shortest > 0, "none late: the closest had \(tenths(shortest)) s left",
            otherwise: "a token had expired for \(tenths(-shortest)) s; is this machine busy?")
        console.check(
            alive == all.count && red.isEmpty, "all \(all.count) grants live, no light is red",
            otherwise: "\(alive) grants live, \(red.count) lights are red")
    }

    private func tenths(_ milliseconds: Int64) -> String {
        "\(milliseconds / 1000).\(milliseconds % 1000 / 100)"
    }
}

/// Tokens on their way into a task, which cannot capture what cannot be copied.
private final class Carrier: Sendable {
    let connection: ConnectionID
    private let tokens: Mutex<TokenSet?>

    init(_ connection: ConnectionID, _ tokens: consuming TokenSet) {
        self.connection = connection
        self.tokens = Mutex(consume tokens)
    }

    func unload(into vault: Vault, _ application: ApplicationID) async throws {
        guard let tokens = tokens.withLock({ $0.take() }) else { return }
        try await vault.put(connection, tokens, application: application)
    }
}
