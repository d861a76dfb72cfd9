// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The real vault on the test's thread. Its clock, its disk and its provider do what the test says,
/// when it says so, and nothing else happens.
final class Rig: @unchecked Sendable {
    /// The most turns in a row that ask for another one at once: more is a thread that spins.
    static let turnsMax = 50

    let clock = VirtualClock()
    /// What the vault takes the time from.
    let time: VirtualClock.Reading
    let disk: Disk
    let network = HeldNetwork()
    let store: SimulatedStore
    let vault: Vault
    private let thread = SingleThread()
    private let held = HeldDisk()

    /// Opens the vault that is on `disk`; its clock is wrong by `offset` milliseconds. `meanwhile`
    /// is called when the scan has read a record, before it looks at that; the first scans fail
    /// with `scanErrors`.
    init(
        _ disk: Disk, moment: Int64 = VirtualClock.start, offset: Int64 = 0,
        scanErrors: [VaultError] = [], readsUnverified: Bool = false,
        meanwhile: @escaping (Rig, RecordKey) throws -> Void = { _, _ in }
    ) throws {
        self.disk = disk
        clock.now = moment
        let (held, network) = (held, network)
        let time = VirtualClock.Reading(clock, offsetMilliseconds: offset)
        self.time = time
        let store = SimulatedStore(
            disk, wait: { held.add($0) }, tell: { _ in }, crashes: { false })
        self.store = store
        vault = try Vault(
            directory: nil, store: store, committer: store,
            network: Network(
                transport: network, addressGuard: AddressGuard(),
                closing: { _, _ in network.close() }),
            time: time, randomness: SeededChance(seed: 1), readsUnverified: readsUnverified,
            startsThread: false
        ) {
            network.close()
            store.finish()
        }
        store.isImmediate = false
        store.verificationErrors = scanErrors
        var failure: (any Error)?
        store.meanwhile = { [unowned self] key in
            guard failure == nil else { return }
            do { try meanwhile(self, key) } catch { failure = error }
        }
        vault.refresher.begin()
        if let failure { throw failure }
    }

    /// Opens the vault that is on `disk` and begins to refresh: what is due is out, as far as there
    /// is room.
    static func started(_ disk: Disk) throws -> Rig {
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        return rig
    }

    /// Tells whoever still waits, while there is a thread to tell them on.
    deinit { close() }

    /// Closes the vault: the disk does what waits, and answers that are out are lost.
    func close() {
        vault.close()
        thread.drain()
    }

    /// Begins to refresh what is due, as `run` does.
    func start() throws {
        vault.refresher.run(true)
        try settle()
    }

    /// All that the vault can do by itself while disk and provider stand still.
    ///
    /// - Returns: for how long it would sleep now, in milliseconds; for ever where nil.
    @discardableResult
    func settle() throws -> Int64? {
        for _ in 0..<Self.turnsMax {
            thread.drain()
            let turn = vault.refresher.turn()
            guard !thread.drain(), case .sleep(let milliseconds) = turn else {
                if turn == .end { return nil }
                continue
            }
            if milliseconds != 0 { return milliseconds }
        }
        try #require(Bool(false), "the thread spins")
        return nil
    }

    /// Lets the disk do all that waits, and the vault what follows.
    @discardableResult
    func flush() throws -> Int64? {
        var sleep = try settle()
        while held.step() { sleep = try settle() }
        return sleep
    }

    /// Lets the disk finish the next group alone; no task goes on. False where nothing waits.
    @discardableResult
    func stepDisk() -> Bool { held.step() }

    /// The same, and tasks go on; the upkeep thread does not.
    func flushOnce() {
        stepDisk()
        thread.drain()
    }

    func advance(milliseconds: Int64) throws {
        clock.now += milliseconds
        try settle()
    }

    /// Begins a call of the vault, as a task on this thread.
    func call(_ body: @escaping @Sendable (Vault) async throws -> Void) throws -> Errand {
        let errand = Errand()
        let vault = vault
        errand.task = Task(executorPreference: thread) {
            do {
                try await body(vault)
                errand.end(nil)
            } catch {
                errand.end(error)
            }
        }
        thread.drain()
        return errand
    }

    /// Answers the last request of a connection.
    func answer(_ connection: Int, _ reply: consuming TransportReply) throws {
        let held = try #require(network.last(connection), "no request of \(connection) is out")
        held.request.answer(reply)
        thread.drain()
    }

    /// Lets the deadline of the last request of a connection pass; it is listened to further.
    func makeOverdue(_ connection: Int) throws {
        let held = try #require(network.last(connection), "no request of \(connection) is out")
        try #require(held.request.isListenedTo)
        held.request.tellOverdue()
        thread.drain()
    }

    /// Answers it with new tokens of an hour.
    func answerWithTokens(_ connection: Int) throws {
        let serial = try #require(network.last(connection)).serial
        try answer(connection, Self.tokens(connection, serial + 1))
    }
}

extension Rig {
    static func tokens(_ connection: Int, _ serial: Int64) throws -> TransportReply {
        let access = TokenText(.access, connection, serial).text
        let refresh = TokenText(.refresh, connection, serial).text
        return try reply(
            200,
            #"{"access_token":"\#(access)","token_type":"Bearer","expires_in":3600,"#
                + #""refresh_token":"\#(refresh)"}"#)
    }

    static func reply(_ status: Int, _ body: String) throws -> TransportReply {
        let secret: Secret? = try Secret(text: body)
        return TransportReply(status: status, body: secret)
    }

    static func refusal(_ status: Int, _ error: String) throws -> TransportReply {
        try reply(status, #"{"error":"\#(error)"}"#)
    }
}
