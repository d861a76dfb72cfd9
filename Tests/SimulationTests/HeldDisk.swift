// SPDX-License-Identifier: Apache-2.0

/// Groups of commits that wait until the test lets the disk go on.
final class HeldDisk {
    private var work: [() -> Void] = []

    func add(_ action: @escaping () -> Void) { work.append(action) }

    /// Makes the next group durable, or lets it fail. False where nothing waits.
    func step() -> Bool {
        guard !work.isEmpty else { return false }
        work.removeFirst()()
        return true
    }
}
