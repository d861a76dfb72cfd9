// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What ends with a vault, or with whoever waits for it.
@Suite struct VaultClosingTests {
    @Test func eventsEndWithTheVault() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let before = vault.events()
        vault.close()
        for await event in before { Issue.record("\(event)") }
        for await event in vault.events() { Issue.record("\(event)") }
        for await progress in vault.verification() { Issue.record("\(progress)") }
    }
}
