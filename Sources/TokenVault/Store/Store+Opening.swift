// SPDX-License-Identifier: Apache-2.0

// What only LMDB's own callers know: where its files are. All else goes through the seam.
extension Store {
    /// Makes the files of a new, empty store in `directory`.
    static func create(_ directory: String, _ keyring: Keyring) throws(VaultError) {
        try KeySlots.create(directory)
        try Writer.create(directory, keyring)
    }

    /// Opens the files in `directory` to read and to write. Where what an earlier process left in
    /// `meta` was altered the store opens, for salvage, and its verification fails.
    ///
    /// - Parameter mapBytes: how much the records may take.
    /// - Returns: both sides of the seam. The committer's `close` ends its thread.
    static func open(
        _ directory: String, _ keyring: Keyring, mapBytes: Int
    ) throws(VaultError) -> (Store, Committer) {
        let store = try Store(
            directory, keyring: keyring, mapBytes: mapBytes + Writer.reserveBytes)
        var writer = Writer(store: store)
        do throws(VaultError) {
            store.setInheritance(try writer.load())
        } catch {
            guard error.isOfDamage else { throw error }
            store.condemn(error)
        }
        return (store, try Committer(store, writer: writer))
    }
}
