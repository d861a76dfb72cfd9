// SPDX-License-Identifier: Apache-2.0

public import TokenVault

extension Vault {
    /// Opens a vault as `open(at:rootKey:settings:)` does, on a clock that the test moves.
    ///
    /// - Parameters:
    ///   - path: the vault's directory.
    ///   - rootKey: its root key.
    ///   - settings: with `allowsLoopbackHTTP` the provider may be a `ProviderSimulator`.
    ///   - clock: what is the time, for this vault.
    /// - Throws: what `open(at:rootKey:settings:)` throws.
    public static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings = Settings(),
        clock: TestClock
    ) throws -> Vault {
        let vault = try open(at: path, rootKey: rootKey, settings: settings, time: clock)
        clock.attach(vault)
        return vault
    }
}
