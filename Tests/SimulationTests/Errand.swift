// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// A call of the vault that is under way, and how it ended.
final class Errand: @unchecked Sendable {
    private(set) var isDone = false
    /// Why it failed; nil where it did not, or not yet.
    private(set) var error: VaultError?

    var code: VaultError.Code? { error?.code }

    /// Set once, before anything else happens.
    var task: Task<Void, Never>?

    func cancel() { task?.cancel() }

    func end(_ error: (any Error)?) {
        isDone = true
        self.error = error as? VaultError
    }
}
