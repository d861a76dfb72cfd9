// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a process takes work, and why not: what `/ready` answers.
public final class Readiness: Sendable {
    /// How it is.
    public enum State: Sendable, Hashable {
        /// Not yet, or not any more; the reason in words, of which none is a secret.
        case unready(String)
        /// Every record is verified.
        case ready
    }

    private let stored: Mutex<State>

    /// - Parameter state: as it is at the beginning.
    public init(_ state: State = .unready("the records are being verified")) {
        stored = Mutex(state)
    }

    /// How it is now.
    public var state: State {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}
