// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// Files that somebody names and that are something else: a pipe would be waited for without end.
@Suite("Named files", .timeLimit(.minutes(1))) struct NamedFileTests {
    private func fifo(_ path: String) throws {
        try #require(unsafe mkfifo(path, 0o600) == 0)
    }

    @Test("A root key is a regular file")
    func rootKey() throws {
        let home = try TestVault()
        try home.create()
        let pipe = "\(home.keyFile)-pipe"
        try fifo(pipe)
        for path in [pipe, "/dev/zero", home.path] {
            check(
                refusal { _ = try Vault.open(at: home.path, rootKey: .file(path)) }
                    == .rootKeyUnusable, path)
            check(
                refusal { try Vault.create(at: "\(home.path)-b", rootKey: .file(path)) }
                    == .rootKeyUnusable, path)
        }
    }

    @Test("Certificates are a regular file that is there, and holds one")
    func certificates() throws {
        let home = try TestVault()
        try home.create()
        let pipe = "\(home.keyFile)-pipe"
        try fifo(pipe)
        for path in [pipe, "/dev/zero", home.path, "/nowhere", home.keyFile] {
            check(
                refusal { _ = try home.open { $0.certificateFile = path } }
                    == .certificateFileUnusable, path)
        }
        _ = try home.open { $0.certificateFile = "/etc/ssl/certs/ca-certificates.crt" }
    }

    @Test("A file of the vault that was put there after the look at it")
    func filesOfTheVault() throws {
        let home = try TestVault()
        let pipe = "\(home.keyFile)-pipe"
        try fifo(pipe)
        let before = try descriptorCount()
        for path in [pipe, "/dev/zero", "/tmp"] {
            check(
                refusal { _ = try Descriptor(path, flags: O_RDONLY, stage: .seal) }
                    == .unsafeDirectory, path)
        }
        check(try descriptorCount() == before)
    }

    private func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
}
