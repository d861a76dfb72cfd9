// SPDX-License-Identifier: Apache-2.0

extension Vault.Settings {
    /// Checks how what may be reached is written, as opening a vault does. No file is read.
    ///
    /// - Throws: as `Vault.open` of `resolve`, `allowedNetworks`, `nat64Prefixes` and `proxy`.
    package func checkNetwork() throws(VaultError) {
        _ = try AddressPrefix.list(allowedNetworks)
        _ = try NAT64Prefix.list(nat64Prefixes)
        _ = try ResolvedHost.list(resolve, allowsLoopback: allowsLoopbackHTTP)
        if let proxy { _ = try Proxy(proxy) }
    }
}
