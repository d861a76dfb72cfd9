// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How far something is: a bar that is drawn over itself at a terminal, a line for each step where
/// the output is a file or a pipe.
final class ProgressBar: Sendable {
    private let outlet: Outlet
    private let state = Mutex(State())

    private struct State {
        var title = ""
        var permille = -1
    }

    private static let width = 30

    /// Asked once: what is measured meanwhile must not ask the system with every step.
    private let isBar: Bool

    init(_ outlet: Outlet = .output) {
        self.outlet = outlet
        isBar = outlet.isTerminal
    }

    /// Begins a step.
    func begin(_ title: String) throws {
        state.withLock { $0 = State(title: title) }
        if isBar { try advance(to: 0) } else { try outlet.line(title) }
    }

    /// The step is done so far, from 0 to 1. Draws where there is something to see.
    func advance(to part: Double) throws {
        guard isBar else { return }
        let permille = Int(min(max(part, 0), 1) * 1000)
        let title = state.withLock { state -> String? in
            guard permille > state.permille else { return nil }
            state.permille = permille
            return state.title
        }
        guard let title else { return }
        let done = permille * Self.width / 1000
        let bar = String(repeating: "#", count: done).padded(to: Self.width)
        try outlet.write("\r\u{1b}[K[\(bar)] \(title)")
    }

    /// Takes the bar away.
    func clear() throws {
        if isBar { try outlet.write("\r\u{1b}[K") }
    }
}
