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
        let subject = Process()
        subject.executableURL = try Built.product("fork-subject")
        subject.arguments = [scenario, home.path, home.keyFile, way]
        let pipe = Pipe()
        subject.standardError = pipe
        try subject.run()
        let said = try pipe.fileHandleForReading.readToEnd() ?? Data()
        subject.waitUntilExit()
        #expect(subject.terminationReason == .exit)
        #expect(subject.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
    }
}
