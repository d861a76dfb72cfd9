// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// An edit that reads another record while slots change in place, on the thread that changes them.
@Suite struct EditDuringErasureTests {
    @Test func aPutIsPlannedThoughItsApplicationIsErasedInTheSameTransaction() async throws {
        let home = try TestVault()
        try home.create()
        let (id, app) = (try ConnectionID("a"), try ApplicationID("app"))
        do {
            let vault = try home.open()
            try await vault.put(
                Application(
                    id: app,
                    provider: Provider(
                        name: "p", authorizationEndpoint: "https://p.example/authorize",
                        tokenEndpoint: "https://p.example/token"),
                    clientID: "client", clientSecret: Secret(text: "secret"),
                    redirectURI: "https://platform.example/callback"))
            try await vault.put(id, TokenSet(accessToken: Secret(text: "token")))
            vault.close()
        }
        // Opened anew: nobody has looked at the application yet.
        let vault = try home.open()
        try await vault.ready()
        let refresher = vault.refresher
        let commit = Commit()
        commit.add(
            .revise(
                vault.store.key(.connection, id.text),
                Revision(addedBytesMax: 64) { (record, _) throws(VaultError) in
                    try record.fields.set(ConnectionTag.application, text: app.text)
                    return .replan(refresher.plan(record))
                }))
        commit.add(.erase(vault.store.key(.application, app.text)))
        let outcome = Monitor<Bool?>(nil)
        commit.completion = { result in
            outcome.withLock { $0 = (try? result.get())?.fate == .changed }
            outcome.signal()
        }
        vault.committer.submit(commit)
        let end = outcome.wait(milliseconds: 10_000, until: { $0 != nil }, then: { $0 })
        #expect(end == true)
        // A writer that waits for itself can never be closed.
        if end == nil { _ = unsafe Unmanaged.passRetained(vault) }
    }
}
