// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What happens while the scan at open goes through the records: nothing is written and nothing is
/// sent, and reads wait unless a setting says otherwise.
@Suite("While the scan runs") struct ScanTests {
    /// The scan comes by in this order. Everything happens when it has read the third.
    static let connectionCount = 5
    static let (before, place, behind) = (1, 2, 3)
    static let touched = [before, behind]

    /// Opens a vault whose connections expire in so many milliseconds, with that happening.
    func rig(
        expiringIn milliseconds: Int64, readsUnverified: Bool = false,
        meanwhile: @escaping (Rig) throws -> Void
    ) throws -> Rig {
        try rig(
            .populated(Self.connectionCount, expiringIn: milliseconds),
            readsUnverified: readsUnverified, meanwhile: meanwhile)
    }

    /// The same with a disk that is there.
    func rig(
        _ disk: Disk, readsUnverified: Bool = false, meanwhile: @escaping (Rig) throws -> Void
    ) throws -> Rig {
        var happened = 0
        let rig = try Rig(disk, readsUnverified: readsUnverified) { rig, key in
            guard key == Disk.key(Self.place) else { return }
            happened += 1
            let ready = try rig.call { try await $0.ready() }
            let commits = disk.commits
            try meanwhile(rig)
            try rig.flush()
            #expect(!ready.isDone)
            #expect(disk.commits == commits && rig.network.all.isEmpty)
        }
        #expect(happened == 1)
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.isDone && ready.code == nil)
        return rig
    }

    func deadline(_ rig: Rig, _ connection: Int) throws -> UnixTime? {
        let handle = Handle(
            number: try #require(rig.disk.contents.records[Disk.key(connection)]?.slot))
        return rig.vault.refresher.deadline(handle: handle)
    }

    func scheduledCount(_ rig: Rig) -> Int {
        rig.vault.refresher.shared.withLock { $0.upkeep.scheduledCount }
    }

    /// Every verb that waits, but for reads.
    static let verbs: [(name: String, body: @Sendable (Vault) async throws -> Void)] = [
        (
            "put",
            { vault in
                let tokens = TokenSet(accessToken: try Secret(text: "a1.7"))
                try await vault.put(Disk.id(before), tokens)
            }
        ),
        (
            "compareAndSwap",
            { vault in
                let tokens = TokenSet(accessToken: try Secret(text: "a9.7"))
                try await vault.compareAndSwap(Disk.id(9), expected: nil, tokens)
            }
        ),
        ("refresh", { try await $0.refresh(Disk.id(behind)) }),
        ("reportUse", { try await $0.reportUse(Disk.id(behind)) }),
        ("reportRejected", { try await $0.reportRejected(Disk.id(behind)) }),
        ("disconnect", { _ = try await $0.disconnect(Disk.id(before)) }),
        ("delete", { _ = try await $0.delete(Disk.id(before)) }),
        (
            "connect",
            { _ = try await $0.connect(Disk.id(behind), application: ApplicationID("app")) }
        ),
        (
            "complete",
            { _ = try await $0.complete(callbackQuery: Secret(text: "state=s&code=c")) }
        ),
        ("removeApplication", { try await $0.removeApplication(ApplicationID("app")) }),
        (
            "put application",
            { vault in
                let url = "https://provider.example/token"
                try await vault.put(
                    Application(
                        id: ApplicationID("other"),
                        provider: Provider(
                            name: "other", authorizationEndpoint: url, tokenEndpoint: url),
                        clientID: "client", clientSecret: Secret(text: "secret"),
                        redirectURI: "https://platform.example/callback"))
            }
        ),
    ]

    @Test("Whoever writes or sends waits for its end", arguments: verbs.indices, [false, true])
    func waits(_ verb: Int, _ readsUnverified: Bool) throws {
        var errand: Errand?
        let rig = try rig(expiringIn: 600_000, readsUnverified: readsUnverified) { rig in
            errand = try rig.call(Self.verbs[verb].body)
            try rig.flush()
            #expect(errand?.isDone == false, "\(Self.verbs[verb].name)")
        }
        try rig.flush()
        for held in rig.network.open { try rig.answerWithTokens(held.connection) }
        try rig.flush()
        let expected: VaultError.Code? =
            Self.verbs[verb].name == "complete" ? .callbackRejected : nil
        #expect(errand?.isDone == true && errand?.code == expected, "\(Self.verbs[verb].name)")
    }

    @Test("A token that is fresh is lent at once only where the settings say so")
    func freshRead() throws {
        for readsUnverified in [false, true] {
            var readers: [Errand] = []
            _ = try rig(expiringIn: 600_000, readsUnverified: readsUnverified) { rig in
                readers = try Self.touched.map { connection in
                    try rig.call { vault in
                        try await vault.withAccessToken(Disk.id(connection)) {
                            #expect(TokenText($0) == TokenText(.access, connection, 1))
                        }
                    }
                }
                #expect(readers.allSatisfy { $0.isDone == readsUnverified })
            }
            #expect(readers.allSatisfy { $0.isDone && $0.code == nil })
        }
    }

    @Test("Who cannot wait is told that nothing is verified yet")
    func readAtOnce() throws {
        _ = try rig(expiringIn: 600_000) { rig in
            let id = try Disk.id(Self.behind)
            let vault = rig.vault
            let reads: [(Vault) throws -> Void] = [
                { _ = try $0.get(id) }, { _ = try $0.status(id) }, { _ = try $0.list() },
                { _ = try $0.applications() },
            ]
            for read in reads {
                do {
                    try read(vault)
                    Issue.record("it was served")
                } catch {
                    #expect((error as? VaultError)?.code == .notVerified)
                }
            }
        }
        _ = try rig(expiringIn: 600_000, readsUnverified: true) { rig in
            let light = try rig.vault.status(Disk.id(Self.behind))?.light
            let count = try rig.vault.list().count
            #expect(light == .yellow && count == Self.connectionCount)
        }
    }

    @Test("A token that has expired is refreshed for its reader, once, and afterwards")
    func staleRead() throws {
        var readers: [Errand] = []
        let rig = try rig(expiringIn: -1000, readsUnverified: true) { rig in
            readers = try Self.touched.map { connection in
                try rig.call { vault in
                    try await vault.withAccessToken(Disk.id(connection)) {
                        #expect(TokenText($0) == TokenText(.access, connection, 2))
                    }
                }
            }
        }
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == Self.touched)
        for connection in Self.touched { try rig.answerWithTokens(connection) }
        try rig.flush()
        #expect(readers.allSatisfy { $0.isDone && $0.code == nil })
        try rig.start()
        try rig.flush()
        #expect(Set(rig.network.all.map(\.connection)) == Set(0..<Self.connectionCount))
        #expect(rig.network.all.count == Self.connectionCount)
    }

    @Test("One in doubt that is asked for meanwhile is asked for once")
    func doubt() throws {
        let disk = try Disk.populated(Self.connectionCount, expiringIn: 7_200_000)
        try disk.changeProvider { $0.rotation = .never }
        do {
            let rig = try Rig(disk)
            _ = try rig.call { try await $0.refresh(Disk.id(Self.behind)) }
            try rig.flush()
            try rig.answer(Self.behind, TransportReply(failure: .deadlineExceeded))
            try rig.flush()
            rig.store.die()
        }
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(Self.behind)])
        let rig = try rig(disk) { rig in
            _ = try rig.call { try await $0.refresh(Disk.id(Self.behind)) }
        }
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [Self.behind])
        try rig.answerWithTokens(Self.behind)
        try rig.flush()
        #expect(rig.network.all.count == 1)
        #expect(disk.doubts.isEmpty)
    }

    @Test("A disconnect whose fence is lost is finished, after the scan")
    func lostFence() throws {
        let disk = try Disk.populated(Self.connectionCount, expiringIn: 7_200_000)
        do {
            let rig = try Rig(disk)
            _ = try rig.call { _ = try await $0.disconnect(Disk.id(Self.place)) }
            rig.flushOnce()
            rig.store.die()
        }
        #expect(disk.contents.fenced.remove(Disk.key(Self.place)) != nil)
        let rig = try Rig(disk)
        let ready = try rig.call { try await $0.ready() }
        #expect(!ready.isDone && disk.contents.records[Disk.key(Self.place)] != nil)
        try rig.flush()
        #expect(ready.isDone && ready.code == nil)
        #expect(disk.contents.records[Disk.key(Self.place)] == nil)
        #expect(disk.contents.records.count == Self.connectionCount)
    }

    @Test("A moment without a free handle is no damage: the scan begins anew")
    func anew() throws {
        let rig = try Rig(
            .populated(3), scanErrors: [VaultError(.tooManySecrets, .store)])
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.isDone && ready.code == nil)
        #expect(scheduledCount(rig) == 3)
        let disconnect = try rig.call { _ = try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
    }

    @Test(
        "A store that does not match its MAC takes no change, and is read only to salvage",
        arguments: [false, true])
    func damaged(_ readsUnverified: Bool) throws {
        let rig = try Rig(
            .populated(Self.connectionCount, expiringIn: 600_000),
            scanErrors: [VaultError(.integrityFailed, .store)], readsUnverified: readsUnverified)
        let commits = rig.disk.commits
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.code == .integrityFailed)
        for verb in Self.verbs {
            let errand = try rig.call(verb.body)
            try rig.flush()
            #expect(errand.code == .integrityFailed, "\(verb.name)")
        }
        let reader = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        #expect(reader.isDone && reader.code == (readsUnverified ? nil : .integrityFailed))
        #expect(rig.disk.commits == commits && rig.network.all.isEmpty)
    }

    @Test("It says how far it is, and when it has ended")
    func progress() throws {
        let seen = Mutex<[Vault.VerificationProgress]>([])
        var watcher: Errand?
        let rig = try rig(.populated(3000), readsUnverified: false) { rig in
            watcher = try rig.call { vault in
                for await progress in vault.verification() {
                    seen.withLock { $0.append(progress) }
                }
            }
        }
        try rig.flush()
        #expect(watcher?.isDone == true)
        let last = seen.withLock { $0.last }
        #expect(last == Vault.VerificationProgress(recordsDone: 2048, recordsTotal: 3001))
        let late = try rig.call { for await _ in $0.verification() {} }
        #expect(late.isDone)
    }
}
