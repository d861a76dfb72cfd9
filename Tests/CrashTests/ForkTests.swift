// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A host that forks while a vault is open, with and without the handlers of pthread_atfork.
@Suite("Forks") struct ForkTests {
    @Test(
        arguments: ["verbs", "anew", "orphaned", "aside"], ["fork", "silent"])
    func fork(scenario: String, way: String) throws {
        let home = try TestVault()
        try home.create()
        let subject = try ChildProcess.run(
            Built.product("fork-subject").path, [scenario, home.path, home.keyFile, way])
        #expect(subject.end == .exit(0), "\(subject.complaint)")
    }
}
