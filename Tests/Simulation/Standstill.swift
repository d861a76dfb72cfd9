// SPDX-License-Identifier: Apache-2.0

/// What happens to a process that stands still, for when it goes on: stopped by a signal, paused
/// with its container, or suspended with its machine. Time does not stand still.
struct Standstill {
    enum Kind {
        /// The kernel goes on: what arrives lies in the socket.
        case process
        /// Nothing arrives; who sent something sends it again for a while, and then gives up.
        case machine
    }

    let kind: Kind
    let began: Int64
    /// What arrived, in its order. It is read first.
    var answers: [() -> Void] = []
    /// What else would have happened.
    var actions: [() -> Void] = []

    /// How long a connection outlives a machine that does not answer, in milliseconds.
    static let connectionMilliseconds: Int64 = 60_000
}
