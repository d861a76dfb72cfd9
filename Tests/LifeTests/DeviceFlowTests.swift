// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Device authorizations from the code to the tokens, against the practice server (RFC 8628).
@Suite("Device authorization", .serialized) struct DeviceFlowTests {
    @Test("The user decides somewhere else, and the connection works")
    func connects() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        #expect(device.userCode.count == 9 && device.verificationURI.hasSuffix("/device"))
        #expect(device.verificationURIComplete?.hasSuffix(device.userCode) == true)
        let flow = try stand.flow(vault)
        #expect(try !stand.isErased(flow, vault))
        try await stand.pass(200) { stand.counters.devicePolls >= 3 }
        #expect(try await vault.deviceAuthorization(stand.id) == device)
        #expect(stand.practice.provider.approveDevice(device.userCode))
        try await stand.complete(vault)
        #expect(try await stand.practice.accepts(vault.token(stand.id)))
        #expect(try await vault.deviceAuthorization(stand.id) == nil)
        #expect(stand.counters.slowDowns == 0 && stand.counters.devicePolls >= 4)
        #expect(try stand.isErased(flow, vault))
        try await vault.refresh(stand.id)
        let kinds = try await vault.log(stand.id, limit: 10).map(\.kind)
        #expect(kinds.contains(.connectStarted) && kinds.contains(.connected))
        let receipt = try await vault.disconnect(stand.id)
        #expect(receipt.refreshToken == .revoked)
        await stand.end(vault)
    }

    @Test("A server that wants more time than it says is asked less often from then on")
    func slowDown() async throws {
        let stand = try await DeviceStand {
            $0.deviceInterval = .seconds(9)
            $0.deviceIntervalTold = .seconds(5)
        }
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        #expect(device.interval == .seconds(5))
        try await stand.pass(400) { stand.counters.devicePolls >= 6 }
        // Once: the next polls are ten seconds apart.
        #expect(stand.counters.slowDowns == 1)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.complete(vault)
        await stand.end(vault)
    }

    @Test("A user who says no, and codes that expire")
    func ends() async throws {
        let stand = try await DeviceStand { $0.deviceLifetime = .seconds(60) }
        let vault = try await stand.open()
        let denied = try await stand.start(vault)
        let first = try stand.flow(vault)
        #expect(stand.practice.provider.denyDevice(denied.userCode))
        await #expect(stand.failure(vault) == .flowDenied)
        // It is told again, until there is another.
        await #expect(stand.failure(vault) == .flowDenied)
        #expect(try vault.status(stand.id)?.light == .yellow)
        #expect(try stand.isErased(first, vault))
        _ = try await stand.start(vault)
        let second = try stand.flow(vault)
        await #expect(stand.failure(vault) == .flowExpired)
        #expect(try await vault.deviceAuthorization(stand.id) == nil)
        #expect(try stand.isErased(second, vault))
        // By the provider's clock alone.
        _ = try await stand.start(vault)
        stand.practice.provider.advance(by: .seconds(61))
        await #expect(stand.failure(vault) == .flowExpired)
        let kinds = try await vault.log(stand.id, limit: 20).map(\.kind)
        #expect(kinds.count { $0 == .connectFailed } == 2)
        #expect(kinds.count { $0 == .connectDenied } == 1)
        await stand.end(vault)
    }

    @Test("A new process goes on", arguments: [true, false])
    func restart(_ runs: Bool) async throws {
        let stand = try await DeviceStand()
        let first = try await stand.open()
        let device = try await stand.start(first)
        let waiting = Task { await stand.code { try await first.completeDeviceAuthorization($0) } }
        try await stand.pass(60) { stand.counters.devicePolls >= 1 }
        first.close()
        #expect(await waiting.value == .closed)
        stand.practice.provider.approveDevice(device.userCode)
        let second = try await stand.open(isRegistered: true)
        #expect(try await second.deviceAuthorization(stand.id) == device)
        if runs {
            let loop = Task { try? await second.run() }
            try await stand.pass(60) { second.refresher.deviceFlows.open(stand.id) == nil }
            #expect(stand.practice.provider.grants.count == 1)
            loop.cancel()
            await loop.value
        }
        try await stand.complete(second)
        #expect(try await stand.practice.accepts(second.token(stand.id)))
        await stand.end(second)
    }

    @Test(
        "A server that is down, or mute, is asked again",
        arguments: [
            ProviderSimulator.Fault.status(503, retryAfter: nil), .status(429, retryAfter: "7"),
            .status(500, retryAfter: "1"),
        ])
    func trouble(_ fault: ProviderSimulator.Fault) async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        stand.practice.provider.set(fault: fault, replies: 3)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.complete(vault)
        #expect(stand.counters.devicePolls == 1 && stand.counters.tokenRequests == 4)
        await stand.end(vault)
    }

    @Test("An answer that is lost with the tokens in it ends the flow by the next one")
    func lostAnswer() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        stand.practice.provider.approveDevice(device.userCode)
        stand.practice.provider.set(fault: .closedWithoutReply, replies: 1)
        let error = await stand.error(vault)
        #expect(error?.code == .providerRefused && error?.providerError == .invalidGrant)
        #expect(error?.detail.subject == .deviceCode && error?.connection == stand.id)
        await stand.end(vault)
    }

    @Test("An answer that comes after the deadline is stored, and nothing is asked meanwhile")
    func lateAnswer() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open(deadline: .seconds(1))
        let device = try await stand.start(vault)
        stand.practice.provider.approveDevice(device.userCode)
        stand.practice.provider.set(fault: .delayAfter(.seconds(3)), replies: 1)
        try await stand.complete(vault)
        #expect(stand.counters.devicePolls == 1 && stand.counters.revocationRequests == 0)
        #expect(try await stand.practice.accepts(vault.token(stand.id)))
        await stand.end(vault)
    }

    @Test("Who gives up gets nothing, and nobody asks any more")
    func cancelled() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        await #expect(stand.failure(vault) == .flowEnded)
        let device = try await stand.start(vault)
        let flow = try stand.flow(vault)
        let waiting = Task { await stand.code { try await vault.completeDeviceAuthorization($0) } }
        try await vault.cancelDeviceAuthorization(stand.id)
        #expect(await waiting.value == .flowEnded)
        #expect(await stand.code { try await vault.cancelDeviceAuthorization($0) } == .flowEnded)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.pass(30) { false }
        #expect(stand.counters.devicePolls == 0)
        #expect(try stand.isErased(flow, vault))
        await #expect(throws: VaultError.self) { try await vault.token(stand.id) }
        await stand.end(vault)
    }

    @Test("A task that is cancelled waits no longer, and the vault goes on")
    func waitCancelled() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        let waiting = Task { await stand.code { try await vault.completeDeviceAuthorization($0) } }
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.complete(vault)
        await stand.end(vault)
    }

    @Test("Of two for one connection the later counts")
    func two() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let first = try await stand.start(vault)
        let flow = try stand.flow(vault)
        let waiting = Task { await stand.code { try await vault.completeDeviceAuthorization($0) } }
        try await stand.pass(30) { stand.counters.devicePolls >= 1 }
        let second = try await stand.start(vault)
        #expect(await waiting.value == .flowEnded && first.userCode != second.userCode)
        #expect(try stand.isErased(flow, vault) && !stand.isErased(stand.flow(vault), vault))
        stand.practice.provider.approveDevice(first.userCode, user: "first")
        try await stand.pass(30) { false }
        #expect(try await vault.deviceAuthorization(stand.id) == second)
        #expect(stand.practice.provider.grants.isEmpty)
        stand.practice.provider.approveDevice(second.userCode, user: "second")
        try await stand.complete(vault)
        #expect(stand.practice.provider.grants.map(\.user) == ["second"])
        await stand.end(vault)
    }

    @Test("A disconnect ends it")
    func disconnected() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open()
        let device = try await stand.start(vault)
        let waiting = Task { await stand.code { try await vault.completeDeviceAuthorization($0) } }
        try await stand.pass(30) { stand.counters.devicePolls >= 1 }
        _ = try await vault.disconnect(stand.id)
        #expect(await waiting.value == .disconnecting)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.pass(30) { false }
        #expect(try vault.status(stand.id) == nil)
        #expect(stand.practice.provider.grants.isEmpty)
        await stand.end(vault)
    }

    @Test("The grant before is revoked, where the definition says that it can be")
    func replaces() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open { $0.revokesReplacedGrant = true }
        for round in 1...2 {
            let device = try await stand.start(vault)
            stand.practice.provider.approveDevice(device.userCode, user: "user-\(round)")
            try await stand.complete(vault)
        }
        try await stand.pass(300) { !stand.practice.provider.grants[0].alive }
        #expect(stand.practice.provider.grants.map(\.alive) == [false, true])
        #expect(try await stand.practice.accepts(vault.token(stand.id)))
        await stand.end(vault)
    }

    @Test("Values of the connection's own, and what the answer brings, are kept")
    func own() async throws {
        let stand = try await DeviceStand()
        let base = stand.practice.provider.baseURL
        let vault = try await stand.open {
            $0.variables = ["path": .init()]
            $0.deviceAuthorizationEndpoint = base + "/device_{path}"
            $0.capturedFromReply = [.init("kind", path: "token_type")]
        }
        let missing = await stand.code { id in
            _ = try await vault.startDeviceAuthorization(
                id, application: stand.practice.application)
        }
        #expect(missing == .endpointRefused || missing == .invalidArgument)
        let settings = ConnectionSettings(values: ["path": "authorization"])
        let device = try await vault.startDeviceAuthorization(
            stand.id, application: stand.practice.application, settings: settings)
        stand.practice.provider.approveDevice(device.userCode)
        try await stand.complete(vault)
        let values = try vault.values(stand.id)
        #expect(values?.captured == ["kind": "Bearer"])
        #expect(values?.variables == ["path": "authorization"])
        await stand.end(vault)
    }

    @Test("A provider without the endpoint, and a client that is not known, are told apart")
    func refused() async throws {
        let stand = try await DeviceStand()
        let vault = try await stand.open { $0.deviceAuthorizationEndpoint = nil }
        let none = await stand.startError(vault)
        #expect(none?.code == .invalidArgument)
        #expect(none?.detail.subject == .deviceAuthorizationEndpoint)
        try await stand.register(vault, secret: "wrong")
        #expect(await stand.startError(vault)?.code == .applicationMisconfigured)
        await stand.practice.provider.stop()
        #expect(await stand.startError(vault)?.code == .providerUnreachable)
        #expect(try vault.status(stand.id) == nil)
        vault.close()
    }
}

/// A vault and a practice server whose clocks go together.
private final class DeviceStand: Sendable {
    let practice: Practice
    let clock = TestClock()
    let id: ConnectionID

    init(_ change: (inout ProviderSimulator.Settings) -> Void = { _ in }) async throws {
        practice = try await Practice(change)
        id = try ConnectionID("tv")
    }

    var counters: ProviderSimulator.Counters { practice.provider.counters }

    func open(
        isRegistered: Bool = false, deadline: Duration = .seconds(15),
        _ change: (inout Provider) -> Void = { _ in }
    ) async throws -> Vault {
        let vault = try practice.open(clock) { $0.deadlines.token = deadline }
        if !isRegistered { try await register(vault, change) }
        return vault
    }

    func register(
        _ vault: Vault, secret: String? = nil, _ change: (inout Provider) -> Void = { _ in }
    ) async throws {
        let endpoint = practice.provider.baseURL + "/device_authorization"
        try await practice.register(vault, secret: secret) { provider in
            provider.deviceAuthorizationEndpoint = endpoint
            change(&provider)
        }
    }

    func start(_ vault: Vault) async throws -> DeviceAuthorization {
        try await vault.startDeviceAuthorization(id, application: practice.application)
    }

    /// Lets at most so many seconds pass at both ends, until something is so.
    func pass(_ seconds: Int, until isSo: () throws -> Bool) async throws {
        for _ in 0..<seconds {
            if try isSo() { return }
            practice.provider.advance(by: .seconds(1))
            clock.advance(by: .seconds(1))
            // Whatever is due is asked and answered.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Waits for the end while time passes.
    func complete(_ vault: Vault) async throws {
        let time = Task { try await pass(900) { Task.isCancelled } }
        defer { time.cancel() }
        try await vault.completeDeviceAuthorization(id)
    }

    func error(_ vault: Vault) async -> VaultError? {
        do {
            try await complete(vault)
            return nil
        } catch {
            return error as? VaultError
        }
    }

    func failure(_ vault: Vault) async -> VaultError.Code? { await error(vault)?.code }

    func startError(_ vault: Vault) async -> VaultError? {
        do {
            _ = try await start(vault)
            return nil
        } catch {
            return error as? VaultError
        }
    }

    func code(_ body: (ConnectionID) async throws -> Void) async -> VaultError.Code? {
        do {
            try await body(id)
            return nil
        } catch {
            return (error as? VaultError)?.code
        }
    }

    /// The flow that is open now.
    func flow(_ vault: Vault) throws -> RecordKey {
        try #require(vault.refresher.deviceFlows.open(id))
    }

    /// Whether a flow, and the device code in it, is in the store no more.
    func isErased(_ flow: RecordKey, _ vault: Vault) throws -> Bool {
        try vault.store.openFlow(flow) == nil
    }

    func end(_ vault: Vault) async {
        vault.close()
        await practice.provider.stop()
    }
}
