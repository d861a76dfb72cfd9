// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// One life of the process: a vault that was opened, until it is closed or dies.
final class Incarnation {
    let number: Int
    let vault: Vault
    let store: SimulatedStore
    let network: VirtualNetwork
    let started: Int64
    let offset: Int64
    /// Neither closing nor dead.
    var isRunning = true
    /// It was told to end: it sends nothing new, and listens for what is out.
    var isDraining = false
    /// When it is to be woken.
    var wake: Int64 = .min

    init(
        _ number: Int, _ vault: Vault, _ store: SimulatedStore, _ network: VirtualNetwork,
        started: Int64, offset: Int64
    ) {
        self.number = number
        self.vault = vault
        self.store = store
        self.network = network
        self.started = started
        self.offset = offset
    }
}
