// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulation
@testable import TokenVault

@Suite("A scan that begins anew") struct RepeatedScanTests {
    @Test("It remembers each unread reply once")
    func unread() throws {
        let rig = try UnreadTests().rig()
        try UnreadTests().answer(rig, UnreadTests.unread)
        rig.close()
        let next = try Rig(rig.disk, moment: rig.clock.now)
        for _ in 0..<3 { next.vault.refresher.begin() }
        #expect(next.vault.refresher.shared.withLock { $0.unread.keys.count } == 1)
    }
}
