// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// The files of a vault were changed, moved or opened to others while nobody looked.
@Suite struct HostileDiskTests {
    @Test func aDamagedPageOfTheHeaderIsRepairedByTheOther() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.home.bytes("HEADER")
        var random = SeededRandom(variable: "CRASH_SEED")
        for page in [0, 1] {
            for _ in 0..<20 {
                let offset = page * 4096 + random.below(4096)
                let bit = UInt8(1) << UInt8(random.below(8))
                try exhibit.home.overwrite("HEADER", at: offset, [whole[offset] ^ bit])
                #expect(await exhibit.verdict() == nil, "seed \(random.seed), offset \(offset)")
                try exhibit.home.overwrite("HEADER", at: offset, [whole[offset]])
            }
        }
        try exhibit.home.overwrite("HEADER", at: 24, [whole[24] ^ 1])
        try exhibit.home.overwrite("HEADER", at: 4096 + 24, [whole[24] ^ 1])
        #expect(await exhibit.verdict() == .headerDamaged)
        try exhibit.home.overwrite("HEADER", at: 0, whole)
        Files.cut("\(exhibit.home.path)/HEADER", 4096)
        #expect(await exhibit.verdict() == nil)
        Files.cut("\(exhibit.home.path)/HEADER", 4095)
        #expect(await exhibit.verdict() == .headerDamaged)
        try exhibit.home.overwrite("HEADER", at: 0, whole)
        #expect(try await exhibit.findings().readable == Exhibit.ids)
    }

    @Test func aHeaderThatSomebodyWroteIsRefused() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.home.bytes("HEADER")
        for page in [0, 1] { try exhibit.tampering.changeHeader(page: page) { $0[10] = 2 } }
        #expect(await exhibit.verdict() == .unsupportedFormat)
        try exhibit.home.overwrite("HEADER", at: 0, whole)
        // The sum holds, the MAC does not: of itself, of the terms, of the vault's id.
        for offset in [4032, 4063, 113, 160, 24, 40, 1000] {
            for page in [0, 1] {
                try exhibit.tampering.changeHeader(page: page) { $0[offset] ^= 1 }
            }
            #expect(await exhibit.verdict() == .headerDamaged, "\(offset)")
            try exhibit.home.overwrite("HEADER", at: 0, whole)
        }
        #expect(await exhibit.verdict() == nil)
    }

    @Test func anotherRootKeyOpensNothing() async throws {
        let exhibit = try await Exhibit()
        let other = try TestVault()
        let path = exhibit.home.path
        #expect(
            await code { _ = try Vault.open(at: path, rootKey: .file(other.keyFile)) }
                == .wrongRootKey)
        let bits = try [UInt8](Data(contentsOf: URL(fileURLWithPath: exhibit.home.keyFile)))
        for index in [0, 15, 31] {
            let refusal = await code {
                var key = try Secret(zeroes: 32)
                for (offset, byte) in bits.enumerated() { key.store(byte, at: offset) }
                key.store(bits[index] ^ 0x80, at: index)
                _ = try Vault.open(at: path, rootKey: .key(key))
            }
            #expect(refusal == .wrongRootKey)
        }
        #expect(await exhibit.verdict() == nil)
    }

    @Test func aRootKeyThatOthersCanReadIsRefused() async throws {
        let home = try TestVault()
        let key = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.keyFile)))
        func refusal(_ bytes: [UInt8], _ mode: Int) async throws -> VaultError.Code? {
            let path = "\(home.keyFile)-\(UUID().uuidString)"
            try TestVault.write(bytes, to: path, mode: mode)
            return await code { try Vault.create(at: "\(path).vault", rootKey: .file(path)) }
        }
        for mode in [0o644, 0o640, 0o604, 0o601, 0o700] {
            #expect(try await refusal(key, mode) == .rootKeyUnusable)
        }
        #expect(try await refusal(Array(key.dropLast()), 0o600) == .rootKeyUnusable)
        #expect(try await refusal(key + [1], 0o600) == .rootKeyUnusable)
        #expect(try await refusal([], 0o600) == .rootKeyUnusable)
        #expect(try await refusal([UInt8](repeating: 7, count: 32), 0o600) == .rootKeyWeak)
        #expect(try await refusal(key, 0o600) == nil)
        #expect(try await refusal(key, 0o400) == nil)
        let link = "\(home.keyFile)-link"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: home.keyFile)
        #expect(
            await code { try Vault.create(at: "\(link).vault", rootKey: .file(link)) } == nil)
        let exposed = "\(home.keyFile)-exposed"
        try FileManager.default.copyItem(atPath: home.keyFile, toPath: exposed)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: exposed)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: exposed)
        #expect(
            await code { try Vault.create(at: "\(link).vault2", rootKey: .file(link)) }
                == .rootKeyUnusable)
        #expect(
            await code { try Vault.create(at: "\(link).vault3", rootKey: .file("/nowhere")) }
                == .rootKeyUnusable)
    }

    @Test func aDirectoryThatOthersCanReachIsRefused() async throws {
        let exhibit = try await Exhibit()
        let path = exhibit.home.path
        for mode: mode_t in [0o755, 0o750, 0o701, 0o770] {
            Files.mode(path, mode)
            #expect(await exhibit.verdict() == .unsafeDirectory)
        }
        Files.mode(path, 0o700)
        for name in ["HEADER", "SLOTS", "LOCK", "db", "db/data.mdb"] {
            let mode: mode_t = name == "db" ? 0o700 : 0o600
            Files.mode("\(path)/\(name)", mode | 0o040)
            #expect(await exhibit.verdict() == .unsafeDirectory, "\(name)")
            Files.mode("\(path)/\(name)", mode)
            let moved = "\(path)-\(UUID().uuidString)"
            Files.move("\(path)/\(name)", moved)
            Files.link("\(path)/\(name)", to: moved)
            #expect(await exhibit.verdict() == .unsafeDirectory, "\(name)")
            Files.remove("\(path)/\(name)")
            #expect(await exhibit.verdict() == .vaultIncomplete, "\(name)")
            Files.move(moved, "\(path)/\(name)")
        }
        #expect(await exhibit.verdict() == nil)
        Files.move(path, "\(path)-real")
        Files.link(path, to: "\(path)-real")
        #expect(await exhibit.verdict() == .unsafeDirectory)
        Files.remove(path)
        Files.move("\(path)-real", path)
        #expect(await exhibit.verdict() == nil)
    }

    @Test func oneProcessOwnsTheVault() async throws {
        let exhibit = try await Exhibit()
        let pipe = try PipeEnd.pair()
        let owner = try ChildProcess(
            Built.product("crash-subject").path,
            environment: [
                "CRASH_SUBJECT_MODE": "hold", "CRASH_SUBJECT_VAULT": exhibit.home.path,
                "CRASH_SUBJECT_KEY": exhibit.home.keyFile,
            ], output: .pipe(pipe.writing))
        #expect(try pipe.reading.readLine() == "R")
        let started = ContinuousClock.now
        #expect(await exhibit.verdict() == .vaultLocked)
        #expect(started.duration(to: .now) < .milliseconds(100))
        owner.signal(SIGKILL)
        await owner.end()
        let taken = ContinuousClock.now
        #expect(await exhibit.verdict() == nil)
        #expect(taken.duration(to: .now) < .seconds(1))
    }

    @Test func aPassphraseOpensWhatItMade() async throws {
        let home = try TestVault()
        func open(_ text: String) throws -> Vault {
            try Vault.open(at: home.path, rootKey: .passphrase(Secret(text: text)))
        }
        #expect(
            await code {
                try Vault.create(at: home.path, rootKey: .passphrase(Secret(text: "2 short")))
            } == .rootKeyUnusable)
        let phrase = "correct horse battery staple"
        try Vault.create(at: home.path, rootKey: .passphrase(Secret(text: phrase)))
        #expect(await code { _ = try open(phrase + " ") } == .wrongRootKey)
        try await open(phrase).ready()
        // Parameters below the floor are refused before they are used.
        for page in [0, 1] {
            try Tampering(home: home).changeHeader(page: page) { $0[48] = 1 }
        }
        #expect(await code { _ = try open(phrase) } == .headerDamaged)
    }

    @Test func aFileThatIsNoDatabaseIsRefused() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.home.bytes("db/data.mdb")
        let path = "\(exhibit.home.path)/db/data.mdb"
        for byteCount in [0, 1, 100, 4096] {
            Files.cut(path, byteCount)
            #expect(await exhibit.verdict() == .databaseDamaged, "\(byteCount)")
            Files.cut(path, 0)
            try exhibit.home.overwrite("db/data.mdb", at: 0, whole)
        }
        try exhibit.home.overwrite("db/data.mdb", at: 0, [UInt8](repeating: 7, count: 8192))
        #expect(await exhibit.verdict() == .databaseDamaged)
        try exhibit.home.overwrite("db/data.mdb", at: 0, whole)
        #expect(await exhibit.verdict() == nil)
    }
}
