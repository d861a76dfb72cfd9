// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The end of the process: what was asked for has as long as the drain, and a little more. Then it
/// is told that the vault is closed; a disconnect that is cut off so is finished by the next open.
final class Ending: Sendable {
    static let graceSeconds: Int64 = 1
    /// When the waiting is over, once it has begun.
    private let deadline = Mutex<Int64?>(nil)

    /// The process was asked to end.
    func begin(_ drain: Duration) {
        let seconds = drain.components.seconds + Self.graceSeconds
        deadline.withLock { $0 = Deadline.after(milliseconds: seconds * 1000) }
    }

    func end(_ control: ControlServer, _ door: OwnVault) async {
        let deadline = deadline.withLock { $0 } ?? Deadline.after(milliseconds: 0)
        await control.finish(by: deadline)
        await door.closeElsewhere()
        await control.finish(by: Deadline.after(milliseconds: Self.graceSeconds * 1000))
    }
}
