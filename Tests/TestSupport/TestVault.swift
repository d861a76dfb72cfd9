// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable package import TokenVault

/// A vault in a directory of its own, gone when the test ends.
package final class TestVault: Sendable {
    let directory: String
    package var path: String { "\(directory)/vault" }
    package var keyFile: String { "\(directory)/root.key" }

    /// - Parameter parent: where to put it; the disk that holds the tests by default.
    package init(parent: String = NSTemporaryDirectory()) throws {
        directory = "\(parent)/tokenvault-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        try Self.write(key, to: keyFile, mode: 0o400)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    package static func write(_ bytes: [UInt8], to path: String, mode: Int) throws {
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: mode])
        else { throw CocoaError(.fileWriteUnknown) }
    }

    package func create() throws { try Vault.create(at: path, rootKey: .file(keyFile)) }

    package func open(_ change: (inout Vault.Settings) -> Void = { _ in }) throws -> Vault {
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        change(&settings)
        return try Vault.open(at: path, rootKey: .file(keyFile), settings: settings)
    }

    /// Reads a file of the vault.
    package func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    /// Writes over a file of the vault, in place.
    package func overwrite(_ name: String, at offset: Int, _ bytes: [UInt8]) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: "\(path)/\(name)"))
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

extension Secret {
    /// The bytes in the clear; in tests they are no secret.
    package var exposed: String {
        var text = ""
        for index in 0..<count { text.unicodeScalars.append(Unicode.Scalar(bytes.byte(at: index))) }
        return text
    }

    /// A secret of ASCII text.
    package init(text: String) throws {
        var secret = try Secret(zeroes: max(text.utf8.count, 1))
        secret.shorten(to: 0)
        precondition(secret.append(text))
        self = secret
    }
}

extension LentToken {
    /// The token in the clear.
    package var exposed: String { secret.exposed }
}

/// The code of the error that `body` throws; nil where it throws none.
package func code(_ body: () async throws -> Void) async -> VaultError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? VaultError)?.code
    }
}
