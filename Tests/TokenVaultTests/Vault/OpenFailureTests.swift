// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// An open that fails leaves nothing behind, and says what is wrong.
@Suite struct OpenFailureTests {
    /// What this process has mapped.
    private func maps() throws -> String {
        try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    }

    @Test func aFailureOfTheNetworkLeavesNoWriter() async throws {
        let home = try TestVault()
        try home.create()
        let folder = URL(filePath: home.path).deletingLastPathComponent().lastPathComponent
        for _ in 0..<3 {
            let refusal = await code {
                _ = try Vault.open(
                    at: home.path, rootKey: .file(home.keyFile), settings: Vault.Settings(),
                    time: SystemTime(), randomness: SystemRandomness(),
                    makeNetwork: { _, _ throws(VaultError) in
                        throw VaultError(.outOfMemory, .exchange)
                    })
            }
            #expect(refusal == .outOfMemory)
        }
        // The thread of the writer would hold the environment and the slots.
        #expect(!(try maps()).contains(folder))
        let vault = try home.open()
        try await vault.ready()
        #expect(try maps().contains(folder))
        vault.close()
    }

    private func fill(_ home: TestVault) async throws {
        let vault = try home.open()
        for number in 0..<8 {
            try await vault.put(
                ConnectionID("c\(number)"), TokenSet(accessToken: Secret(text: "token")))
        }
        vault.close()
    }

    /// The thread of the scan is there by then, and holds all that was opened.
    @Test func whereTheLastThreadDoesNotStartTheOthersEnd() async throws {
        let home = try TestVault()
        try home.create()
        try await fill(home)
        let folder = URL(filePath: home.path).deletingLastPathComponent().lastPathComponent
        let clock = RoomForOneThread()
        let refusal = await code {
            _ = try Vault.open(
                at: home.path, rootKey: .file(home.keyFile), settings: Vault.Settings(),
                time: clock, randomness: SystemRandomness())
        }
        let left = try maps()
        clock.end()
        #expect(refusal == .outOfMemory)
        #expect(!left.contains(folder))
        let vault = try home.open()
        defer { vault.close() }
        try await vault.ready()
    }

    @Test func aDatabaseOfAnotherVersionIsNotCalledDamaged() async throws {
        let home = try TestVault()
        try home.create()
        // The head of LMDB 1.0's pages has the transaction, too: 24 bytes.
        var page = [UInt8](repeating: 0, count: 4096)
        page[18] = 8
        for (index, byte) in [0xde, 0xc0, 0xef, 0xbe, 2].enumerated() {
            page[24 + index] = UInt8(byte)
        }
        let whole = try home.bytes("db/data.mdb")
        for start in [0, 4096] { try home.overwrite("db/data.mdb", at: start, page) }
        #expect(await code { _ = try home.open() } == .databaseUnsupported)
        #expect(
            await code { _ = try Vault.audit(home.path, rootKey: .file(home.keyFile)) }
                == .databaseUnsupported)
        // Nor is a damaged one called another version's.
        for offset in [16, 20] {
            try home.overwrite("db/data.mdb", at: 0, whole)
            try home.overwrite("db/data.mdb", at: offset, [7])
            try home.overwrite("db/data.mdb", at: 4096 + offset, [7])
            #expect(await code { _ = try home.open() } == .databaseDamaged)
        }
    }

    /// Nobody is told to make a vault where one may be.
    @Test func aWayThatIsBarredIsNoVaultThatIsMissing() async throws {
        let home = try TestVault()
        let link = "\(home.path)-link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: link)
        func refusal(_ path: String) throws -> VaultError? {
            do {
                try Vault.open(at: path, rootKey: .file(home.keyFile)).close()
                return nil
            } catch let error as VaultError {
                return error
            }
        }
        for path in ["\(link)/v", "/tmp/\(String(repeating: "x", count: 300))"] {
            #expect(try refusal(path)?.code == .storageFailed)
            #expect(try refusal(path)?.detail.subject == .directory)
        }
        #expect(try refusal("\(home.keyFile)/v")?.code == .vaultMissing)
        #expect(try refusal("\(home.path)/v")?.code == .vaultMissing)
    }

    @Test func secondsAreRoundedDownToTheEndOfTheRange() {
        for (milliseconds, seconds): (Int64, Int64) in [
            (.min, -9_223_372_036_854_776), (.min + 807, -9_223_372_036_854_776),
            (.min + 808, -9_223_372_036_854_775), (-1001, -2), (-1000, -1), (-1, -1), (0, 0),
            (999, 0), (1000, 1), (.max, 9_223_372_036_854_775),
        ] {
            #expect(UnixTime(milliseconds: milliseconds).seconds == seconds)
        }
    }
}
