// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Who is asked while an application may be rejected, and which answers say that it may be.
@Suite("Asked before others") struct ProbeTests {
    static let hour: Int64 = 3_600_000

    @Test(
        "Two users whose grants are gone, asked for one after the other, stop nobody else",
        arguments: [(false, false), (false, true), (true, false), (true, true)], [false, true])
    func twoDeadGrants(_ process: (runs: Bool, isOne: Bool), byCode: Bool) throws {
        let disk = Disk()
        try disk.register()
        try disk.connect(0..<5, expiringIn: Self.hour, byCode: byCode)
        let (runs, inOneProcess) = process
        var now = VirtualClock.start
        func ask(_ connections: ClosedRange<Int>) throws {
            let rig = try Rig(disk, moment: now)
            if runs { try rig.start() }
            try rig.flush()
            for connection in connections {
                let caller = try rig.call { try await $0.refresh(Disk.id(connection)) }
                try rig.answerAll(milliseconds: 2000) { held in
                    guard held.connection < 2 else {
                        return try Rig.tokens(held.connection, held.serial + 1)
                    }
                    return try Rig.refusal(400, "invalid_request")
                }
                #expect(caller.code == .providerRefused)
                // Somebody else's success has cleared the application before the second was asked.
                #expect(rig.askedCount(4) + rig.askedCount(3) + rig.askedCount(2) >= connection)
                now = rig.clock.now
            }
            guard connections.contains(1) else { return rig.close() }
            let healthy = try rig.call { try await $0.refresh(Disk.id(3)) }
            try rig.answerAll(milliseconds: 2000) {
                try Rig.tokens($0.connection, $0.serial + 1)
            }
            #expect(healthy.isDone && healthy.code == nil)
            now = rig.clock.now
            rig.close()
        }
        if inOneProcess {
            try ask(0...1)
        } else {
            try ask(0...0)
            try ask(1...1)
        }
        #expect(disk.alarms == 0 && disk.count(.grantLost) == 0)
    }

    @Test(
        "A server that burns the token over a wrong secret costs two grants, whatever it says",
        arguments: [
            (400, #"{"error":"invalid_request"}"#),
            (200, #"{"error":"incorrect_client_credentials"}"#),
            (400, #"{"error":"bad_client_secret"}"#), (400, #"{"error":{"code":190}}"#),
            (403, "<html>"),
        ], [false, true])
    func otherWords(_ answer: (status: Int, body: String), isPut: Bool) throws {
        let disk = try Disk.populated(12, concurrent: 1, expiringIn: 60_000)
        let rig = try Rig(disk)
        try rig.start()
        if isPut { _ = try rig.putApplication(secret: 9) }
        try rig.answerAll(milliseconds: 6 * Self.hour) { _ in
            try Rig.reply(answer.status, answer.body)
        }
        #expect((0..<12).count { rig.askedCount($0) > 0 } == Suspicion.riskedMax)
        #expect(disk.alarms == 1)
    }

    @Test("After a change not even invalid_grant is believed, until the application is taken")
    func afterAChange() throws {
        let disk = try Disk.populated(12, expiringIn: 60_000)
        let rig = try Rig(disk)
        try rig.start()
        _ = try rig.putApplication(secret: 9)
        try rig.answerAll(milliseconds: Self.hour) { _ in
            try Rig.refusal(400, "invalid_grant")
        }
        #expect((0..<12).count { rig.askedCount($0) > 0 } == Suspicion.riskedMax)
        #expect(disk.alarms == 1 && disk.count(.grantLost) == 0)
    }
}
