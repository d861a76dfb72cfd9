// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulation
@testable import TokenVault

// What the tests look at inside.
extension Rig {
    /// Whether nobody waits, nothing is out or on its way, and every place was given back.
    var isIdle: Bool {
        vault.refresher.shared.withLock { shared in
            shared.timers.isEmpty && shared.upkeep.attempts.isEmpty
                && shared.upkeep.activeCount == 0 && shared.upkeep.demandCount == 0
                && shared.upkeep.listenerCount == 0
                && shared.upkeep.endpoints.allSatisfy {
                    $0.preparedCount == 0 && $0.governor.inFlight == 0
                        && $0.governor.listening == 0
                }
        }
    }

    /// Forgets calls of the thread: it has done what it was called for.
    func fallAsleep() { vault.refresher.alarm.wait(milliseconds: 0) }

    /// Whether somebody called the thread since it fell asleep.
    func wasWoken() -> Bool {
        let start = ContinuousClock.now
        vault.refresher.alarm.wait(milliseconds: 2000)
        return start.duration(to: .now) < .seconds(1)
    }

    /// Whether a request of the connection was ever handed over.
    func wasAsked(_ connection: Int) -> Bool {
        network.all.contains { $0.connection == connection }
    }

    /// Failures in a row.
    func failureCount(_ connection: Int) -> Int {
        vault.refresher.shared.withLock { $0.upkeep.failureCount(Disk.key(connection)) }
    }

    /// What is stored of a connection, as text.
    func record(_ connection: Int) -> String {
        String(
            decoding: disk.contents.records[Disk.key(connection)]?.plaintext ?? [],
            as: UTF8.self)
    }

    /// Lets time pass until a request of the connection is out, and returns how long it took.
    func untilNext(_ connection: Int) throws -> Int64 {
        let start = clock.now
        while network.last(connection) == nil {
            let sleep = try #require(try flush())
            try #require(clock.now - start < 3_600_000)
            try advance(milliseconds: max(1, sleep))
            try flush()
        }
        return clock.now - start
    }
}

// Expectations that fail look into what they name, and what cannot be copied ends the process then.
extension Rig: CustomReflectable {
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension HeldNetwork: CustomReflectable {
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension HeldNetwork.Held: CustomReflectable {
    var customMirror: Mirror {
        Mirror(self, children: ["connection": connection, "serial": serial])
    }
}
