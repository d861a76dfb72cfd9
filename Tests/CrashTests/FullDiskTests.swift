// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// A disk of 4 MiB, and a map of 1 MiB, that are full: puts fail fast and cleanly, disconnects
/// work, nothing that was committed is lost.
@Suite(.serialized) struct FullDiskTests {
    /// A put that fails may take this long.
    static let patience = Duration.seconds(2)

    /// A vault that is filled, and what it must hold.
    final class Hoard {
        let home: TestVault
        private var opened: Vault?
        private(set) var tokens: [String: String] = [:]
        private var next = 0
        private let mapBytes: Int
        private let tokenBytes: Int

        var vault: Vault {
            get throws { try #require(opened) }
        }

        init(parent: String, mapBytes: Int = 1 << 30, tokenBytes: Int = 2000) throws {
            home = try TestVault(parent: parent)
            self.mapBytes = mapBytes
            self.tokenBytes = tokenBytes
            try home.create()
            opened = try home.open { $0.mapBytes = mapBytes }
        }

        func put() async throws {
            let name = "c\(next)"
            let token = name + String(repeating: "x", count: tokenBytes)
            let started = ContinuousClock.now
            do {
                try await Exhibit.put(vault, name, token)
                tokens[name] = token
                next += 1
            } catch {
                #expect(started.duration(to: .now) < FullDiskTests.patience)
                throw error
            }
        }

        /// Puts until the vault refuses; returns how many it took, and why no more.
        func fill() async -> (count: Int, code: VaultError.Code?) {
            let before = tokens.count
            let refusal = await code { while true { try await put() } }
            return (tokens.count - before, refusal)
        }

        func disconnect(_ count: Int) async throws {
            for name in tokens.keys.sorted().prefix(count) {
                _ = try await vault.disconnect(ConnectionID(name))
                tokens[name] = nil
            }
        }

        func reopen() async throws {
            try vault.close()
            // LMDB's table of readers is unmapped with it, and a full disk has no room for a
            // second.
            opened = nil
            opened = try home.open { [mapBytes] in $0.mapBytes = mapBytes }
            try await vault.ready()
        }

        /// Whether exactly what was acknowledged is there.
        func isWhole() async throws -> Bool {
            guard try vault.list().count == tokens.count else { return false }
            for (name, token) in tokens {
                let stored = try await vault.withAccessToken(ConnectionID(name)) { $0.exposed }
                if stored != token { return false }
            }
            return true
        }
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.need))
    func aVaultThatFillsItsDiskGivesWayAgain() async throws {
        let disk = try SmallDisk()
        let hoard = try Hoard(parent: disk.path)
        let filled = await hoard.fill()
        #expect(filled.code == .storeFull)
        #expect(filled.count > 500)
        #expect(await code { try await hoard.put() } == .storeFull)
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(3)
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(hoard.tokens.count - 10)
        #expect(try await hoard.isWhole())
        for _ in 0..<200 { try await hoard.put() }
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.need), arguments: [200, 2000, 15_000])
    func aDisconnectWorksHoweverOftenTheDiskFills(tokenBytes: Int) async throws {
        let disk = try SmallDisk()
        let hoard = try Hoard(parent: disk.path, tokenBytes: tokenBytes)
        for _ in 0..<40 {
            #expect(await hoard.fill().code == .storeFull)
            try await hoard.disconnect(1)
        }
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.need)) func somebodyElseFillsTheDisk()
        async throws
    {
        let disk = try SmallDisk()
        let hoard = try Hoard(parent: disk.path)
        for _ in 0..<40 { try await hoard.put() }
        try disk.fill()
        #expect(await hoard.fill().code == .storeFull)
        try await hoard.disconnect(1)
        // What the vault gave up is taken by the other, too.
        try disk.fill()
        _ = await hoard.fill()
        try await hoard.disconnect(1)
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(20)
        disk.empty()
        for _ in 0..<50 { try await hoard.put() }
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
    }

    /// Pages that a reader may see cannot be written again, however long ago they were freed.
    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.need))
    func aReaderThatStaysOnAFullDiskLeavesTheReserve()
        async throws
    {
        let disk = try SmallDisk()
        let hoard = try Hoard(parent: disk.path)
        for _ in 0..<40 { try await hoard.put() }
        let store = try hoard.vault.disk
        var ended = 0
        do {
            let reader = try store.beginRead()
            try disk.fill()
            // Whatever is tried, nothing but the end of a connection gets at the reserve.
            for _ in 0..<40 { #expect(await hoard.fill().code == .storeFull) }
            let refusal = await code {
                for _ in 0..<20 {
                    try await hoard.disconnect(1)
                    ended += 1
                    #expect(await hoard.fill().code == .storeFull)
                }
            }
            // In the end it is used up, and says so; nothing is left in doubt.
            #expect(refusal == .storeFull)
            #expect(ended >= 2)
            #expect(try reader.count(.records) == 40)
        }
        try await hoard.disconnect(1)
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(10)
        disk.empty()
        for _ in 0..<50 { try await hoard.put() }
        #expect(try await hoard.isWhole())
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.need)) func manyReadAtOnceOnAFullDisk()
        async throws
    {
        let disk = try SmallDisk()
        let hoard = try Hoard(parent: disk.path)
        for _ in 0..<10 { try await hoard.put() }
        try disk.fill()
        let store = try hoard.vault.disk
        // Each read has a place in LMDB's lock file, which is mapped: a hole there would be fatal.
        func readers(_ left: Int) throws -> Int {
            let transaction = try store.beginRead()
            var count = 0
            try transaction.scan(.records) { (_, _) throws(VaultError) in
                count += 1
                return true
            }
            return left == 0 ? count : try readers(left - 1)
        }
        #expect(try readers(400) == 10)
    }

    @Test func aMapThatIsFullGivesWayAgain() async throws {
        let hoard = try Hoard(parent: NSTemporaryDirectory(), mapBytes: 1 << 20)
        let filled = await hoard.fill()
        #expect(filled.code == .storeFull)
        #expect(filled.count > 100)
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(10)
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
        try await hoard.disconnect(hoard.tokens.count - 10)
        for _ in 0..<(filled.count / 2) { try await hoard.put() }
        #expect(try await hoard.isWhole())
        #expect(await hoard.fill().code == .storeFull)
        try await hoard.reopen()
        #expect(try await hoard.isWhole())
        // However often that happens, disconnecting works.
        for _ in 0..<15 {
            try await hoard.disconnect(2)
            _ = await hoard.fill()
        }
        #expect(try await hoard.isWhole())
    }
}

/// A file system of 4 MiB in memory, gone when the test ends.
final class SmallDisk {
    let path: String

    static let need: Comment = "mounting a small disk takes root"

    /// Whether this process may mount one.
    static let isAllowed: Bool = {
        guard geteuid() == 0, let disk = try? SmallDisk() else { return false }
        return (try? FileManager.default.contentsOfDirectory(atPath: disk.path)) != nil
    }()

    init() throws {
        path = "\(NSTemporaryDirectory())/disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=4m") == 0 else {
            try? FileManager.default.removeItem(atPath: path)
            throw CocoaError(.fileWriteUnknown)
        }
    }

    deinit {
        _ = unsafe umount2(path, Int32(MNT_DETACH))
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Takes the last byte.
    func fill() throws {
        let file = unsafe open("\(path)/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
        let bytes = [UInt8](repeating: 7, count: 4096)
        while unsafe write(file, bytes, bytes.count) > 0 {}
        close(file)
    }

    func empty() { Files.remove("\(path)/filler") }
}
