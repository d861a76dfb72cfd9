// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulation
@testable import TokenVault

extension Disk {
    /// Changes the provider of an application that is registered, before the vault is opened.
    func changeProvider(of name: String = "app", _ change: (inout Provider) -> Void) throws {
        let key = SimulatedStore.key(.application, name)
        let record = try #require(contents.records[key])
        var application = try ApplicationRecord.decode(Self.fields(record.plaintext))
        change(&application.provider)
        var fields = try Fields(ApplicationRecord.encode(application))
        // The provider sees the same client.
        try fields.set(ApplicationTag.changedSince, integer: record.generation)
        let plaintext = fields.takeAll()
        let commit = Commit()
        commit.add(.put(.application, key, .anything), plaintext)
        _ = try apply(commit) { _ in }.get()
    }

    /// Changes the record of a connection, before the vault is opened.
    func changeRecord(
        _ connection: Int, _ change: (inout ConnectionRecord) throws -> Void
    ) throws {
        let stored = try #require(contents.records[Self.key(connection)])
        var record = ConnectionRecord(fields: try Self.fields(stored.plaintext))
        try change(&record)
        let commit = Commit()
        commit.add(.put(.connection, Self.key(connection), .anything), record.plaintext())
        _ = try apply(commit) { _ in }.get()
    }
}
