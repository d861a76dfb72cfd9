// SPDX-License-Identifier: Apache-2.0

@testable import Simulation
@testable import TokenVault

extension Rig {
    /// What a listener of the platform's heard.
    final class Heard: @unchecked Sendable {
        fileprivate(set) var events: [VaultEvent] = []

        func count(_ kind: VaultEvent.Kind) -> Int { events.count { $0.kind == kind } }

        func numbers(_ kind: VaultEvent.Kind) -> [Int64] {
            events.filter { $0.kind == kind }.map(\.number)
        }
    }

    /// Listens from now on.
    func listen() throws -> Heard {
        let heard = Heard()
        let stream = vault.events()
        _ = try call { _ in for await event in stream { heard.events.append(event) } }
        return heard
    }
}
