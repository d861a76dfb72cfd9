// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault

@testable import TokenVaultCommand

/// The control socket without the command: the vault is this process's.
extension Workbench {
    /// Runs `body` beside the vault's control socket, which it ends itself.
    func controlling(
        peersMax: Int = ControlServer.peersMax,
        _ body: (VaultFolder, Vault, ControlServer) async throws -> Void
    ) async throws {
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = true
        let path = folder.appending(path: "v").path
        let vault = try Vault.open(
            at: path, rootKey: .file(folder.appending(path: "v.key").path), settings: settings)
        defer { vault.close() }
        try await vault.ready()
        let folder = try VaultFolder(path)
        let server = try ControlServer(
            folder, OwnVault(vault, endsWithRequest: false), peersMax: peersMax)
        try server.start()
        try await body(folder, vault, server)
    }
}

extension VaultFolder {
    /// A wire to whoever serves.
    func wire() throws -> Wire { Wire(owning: try #require(try connect())) }

    /// The same, over which a request was sent.
    func ask(_ request: Request) throws -> Wire {
        let wire = try wire()
        try wire.send(request)
        try wire.sendEnd()
        return wire
    }
}
