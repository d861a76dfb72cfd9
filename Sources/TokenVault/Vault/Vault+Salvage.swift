// SPDX-License-Identifier: Apache-2.0

// The way out of a vault that does not verify, in which nothing is written any more. What is thrown
// is a `VaultError`, and no type says so, as in `Vault+Open`.
extension Vault {
    /// Opens every record of the closed vault at `path` by itself, whatever else is wrong with it,
    /// on the caller's thread. Where all do, what an open and its verification check is checked.
    /// Nothing in its directory is written.
    ///
    /// - Throws: `VaultError`: `vaultMissing`; `vaultIncomplete` where HEADER, SLOTS or the
    ///   database is missing; `vaultLocked`; `headerDamaged`, `wrongRootKey`, `rootKeyUnusable`,
    ///   `keyDerivationRefused` where neither page of HEADER opens; `databaseDamaged` where no
    ///   record can be reached; `databaseUnsupported`, `unsupportedFormat`, `storageFailed`.
    ///   Records that do not open are no error, nor is what keeps the vault from being opened: the
    ///   report says it.
    public static func audit(
        _ path: String, rootKey: consuming RootKeySource
    ) throws -> SalvageReport {
        MemoryHygiene.install()
        defer { MemoryHygiene.scrub() }
        let salvage = try Salvage(path, rootKey: rootKey)
        return SalvageReport(salvage)
    }

    /// The same, and copies every record that opened into a new vault at `newPath`, which must not
    /// exist, nor lie in the old one; its parent must exist. It has the same root key and new keys
    /// for everything else: each record is sealed anew. Pending authorizations and the log are left
    /// behind. A refresh whose answer nobody heard stays in doubt; a disconnect that had begun ends
    /// at the first open of the new vault.
    ///
    /// One whose record is so long that it has no room for what a copy adds is named in the report,
    /// and the others are copied.
    ///
    /// A record may be an older version that somebody put back: its tokens may be void. The vault
    /// at `path` holds what it held, and what is disconnected in the new one can be read there
    /// still: overwrite its SLOTS, or destroy it, when it is not needed any more.
    ///
    /// - Throws: as `audit(_:rootKey:)`; besides `vaultExists`, `invalidArgument` where `newPath`
    ///   lies in the old vault, `storeFull`, `limitExceeded`. Then there is no new vault.
    public static func salvage(
        _ path: String, into newPath: String, rootKey: consuming RootKeySource
    ) throws -> SalvageReport {
        MemoryHygiene.install()
        defer { MemoryHygiene.scrub() }
        try VaultDirectory.checkIsFree(newPath)
        try VaultDirectory.checkIsOutside(newPath, of: path)
        let salvage = try Salvage(path, rootKey: rootKey)
        try VaultDirectory.create(newPath) { (temporary) throws(VaultError) in
            let keyring = try Keyring.create(temporary, rootKey: salvage.header.rootKey)
            try Store.create(temporary, keyring)
            let writer = try SalvageWriter(
                temporary, keyring: keyring, mapBytes: Settings().mapBytes,
                generation: salvage.findings.lastGeneration)
            try salvage.copy(to: writer)
        }
        return SalvageReport(salvage)
    }
}
