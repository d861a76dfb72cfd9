// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Where a vault may connect to beside the open internet, whom it trusts there, and by which way.
struct NetworkSettings: Sendable {
    var allowsLoopbackHTTP = false
    var caFile: String?
    var resolve: [String] = []
    var allowedNetworks: [String] = []
    var nat64Prefixes: [String] = []
    var proxy: String?
    var proxyCredentialsFile: String?

    /// The settings of a vault that reaches just this.
    func vaultSettings() throws -> Vault.Settings {
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = allowsLoopbackHTTP
        if let caFile { try RegularFile.check(caFile) }
        settings.certificateFile = caFile
        settings.resolve = resolve
        settings.allowedNetworks = allowedNetworks
        settings.nat64Prefixes = nat64Prefixes
        settings.proxy = proxy
        // The vault reads it, and would not name it where it cannot.
        if let proxyCredentialsFile { _ = try SecretFile.read(proxyCredentialsFile) }
        settings.proxyCredentialsFile = proxyCredentialsFile
        return settings
    }
}
