// SPDX-License-Identifier: Apache-2.0

// A vault belongs to the process that opened it: a child made by fork has nothing of it but what
// must not be touched.
extension Vault {
    /// Whether this is a child process, made by fork, of the one that opened the vault.
    var isInherited: Bool { process != ProcessNumber.current }

    /// The first thing that each verb does: before it looks at a secret, or waits for a lock that a
    /// thread of the parent's held.
    func checkProcess() throws(VaultError) {
        if isInherited { throw VaultError(.forked, .vault) }
    }
}

extension Vault.Settings {
    /// Before anything is opened that would have to be closed again.
    func check() throws(VaultError) {
        guard let certificateFile else { return }
        do throws(VaultError) {
            try Descriptor.requireRegularFile(certificateFile, stage: .vault)
        } catch {
            throw VaultError(.invalidArgument, .vault, number: error.number)
        }
    }
}
