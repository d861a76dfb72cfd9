// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TokenVault

/// A clock for a platform's own tests: it goes as the machine's does, and jumps forward when told.
///
/// A vault that was opened on it takes from it whatever it compares with a time: expiry, when to
/// refresh, back-off, how long a flow is open. Only the deadlines of requests that are on their way
/// are the machine's. Several vaults may share one clock.
public final class TestClock: Sendable {
    private let system = SystemTime()
    private let state = Mutex(State())

    private struct State {
        var offsetMilliseconds: Int64 = 0
        var vaults: [WeakVault] = []
    }

    private struct WeakVault {
        weak var vault: Vault?
    }

    /// A clock that shows the machine's time.
    public init() {}

    /// The time that it shows.
    public func now() -> UnixTime {
        system.now().adding(milliseconds: state.withLock { $0.offsetMilliseconds })
    }

    /// Jumps forward, and has every vault that is open on this clock do what has become due.
    /// Returns at once: what is sent then is on its way, not answered.
    ///
    /// - Parameter duration: not negative, whole milliseconds; at most a hundred years over all
    ///   calls.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let years = Int64(100 * 365 * 86_400)
        precondition((0...years).contains(seconds), "a TestClock goes forward")
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let vaults = state.withLock { state in
            state.offsetMilliseconds += milliseconds
            precondition(state.offsetMilliseconds <= years * 1000, "a hundred years")
            return state.vaults.compactMap(\.vault)
        }
        for vault in vaults { vault.timeWasMoved() }
    }

    /// From now on the vault is told when the clock jumps, for as long as somebody else holds it.
    func attach(_ vault: Vault) {
        state.withLock { state in
            state.vaults.removeAll { $0.vault == nil }
            state.vaults.append(WeakVault(vault: vault))
        }
    }
}

extension TestClock: TimeSource {}
