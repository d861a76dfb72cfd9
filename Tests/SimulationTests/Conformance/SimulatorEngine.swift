// SPDX-License-Identifier: Apache-2.0

@testable import Simulation
@testable import TokenVault

/// The simulator's disk, whose groups of commits last when somebody waits for them.
final class SimulatorEngine: TestedEngine {
    private let disk = Disk()
    private var held = HeldDisk()
    private var store: SimulatedStore

    init() {
        store = Self.open(disk, held)
    }

    private static func open(_ disk: Disk, _ held: HeldDisk) -> SimulatedStore {
        let store = SimulatedStore(
            disk, wait: { held.add($0) }, tell: { _ in }, crashes: { false })
        store.isImmediate = false
        return store
    }

    var reading: any Reading { store }
    var committing: any Committing { store }

    func start() {
        held = HeldDisk()
        store = Self.open(disk, held)
    }

    func end() {
        store.finish()
        store.close()
    }

    func work(until isDone: @escaping () -> Bool) {
        while !isDone(), held.step() {}
    }

    func fill(_ put: (Int) throws -> Bool) throws { disk.room = .onlyWhatMayUseReserve }
}
