// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// Secrets that come from files.
@Suite struct SecretFileTests {
    private let home: TestVault
    private var path: String { "\(home.path)-secret" }

    init() throws { home = try TestVault() }

    private func write(_ text: String, mode: Int = 0o600) throws {
        try? FileManager.default.removeItem(atPath: path)
        try TestVault.write(Array(text.utf8), to: path, mode: mode)
    }

    private func refusal() -> VaultError? {
        do throws(VaultError) {
            _ = try Secret(contentsOfFile: path)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "One line end at the end is left out",
        arguments: [
            ("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"),
            ("s3cret\n\n", "s3cret\n"), (" s \r", " s \r"), ("a\nb\n", "a\nb"),
        ])
    func lineEnds(_ text: String, _ kept: String) throws {
        try write(text)
        let secret = try Secret(contentsOfFile: path)
        #expect(secret.exposed == kept)
        #expect(secret.capacity == 128)
    }

    @Test("A link may lead there, and mode 0400 is enough")
    func link() throws {
        try write("s3cret\n", mode: 0o400)
        let link = "\(home.path)-link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        #expect(try Secret(contentsOfFile: link).exposed == "s3cret")
    }

    @Test("What others can read or change is refused", arguments: [0o644, 0o640, 0o602, 0o700])
    func modes(_ mode: Int) throws {
        try write("s3cret", mode: mode)
        let error = refusal()
        #expect(error?.code == .secretFileUnusable && error?.number == mode)
        #expect(error?.detail.cause == .openToOthers)
    }

    @Test("Each other rule has a cause of its own")
    func causes() throws {
        #expect(refusal()?.detail.cause == .missing)
        for text in ["", "\n", "\r\n"] {
            try write(text)
            #expect(refusal()?.detail.cause == .empty)
        }
        try write(String(repeating: "k", count: Secret.fileBytesMax))
        #expect(try Secret(contentsOfFile: path).count == Secret.fileBytesMax)
        try write(String(repeating: "k", count: Secret.fileBytesMax + 1))
        #expect(refusal()?.detail.cause == .tooLong)
        #expect(refusal()?.number == Secret.fileBytesMax)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        #expect(refusal()?.detail.cause == .wrongKind)
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test("A root key that is the same byte throughout is weak, and not of a wrong length")
    func weakKey() async throws {
        try write(String(repeating: "k", count: 32))
        let weak = path
        let vault = home.path
        #expect(await code { try Vault.create(at: vault, rootKey: .file(weak)) } == .rootKeyWeak)
        try write(String(repeating: "k", count: 31))
        #expect(
            await code { try Vault.create(at: vault, rootKey: .file(weak)) } == .rootKeyUnusable)
    }
}
