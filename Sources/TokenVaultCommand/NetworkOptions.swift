// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Where a vault may connect to beside the open internet, whom it trusts there, and by which way.
struct NetworkOptions: ParsableArguments {
    @Flag(
        name: .customLong("allow-loopback-http"),
        help: """
            Let endpoints be on a loopback address (127.0.0.1, [::1] or localhost), over http or \
            https: for practice servers, never in production. Without it https on loopback is \
            refused, too.
            """)
    var allowLoopbackHTTP = false

    @Option(help: "File of CA certificates in PEM instead of the system's.")
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            """
            Have a host name stand for an address of this machine at a port, as curl does; may be \
            repeated. For practice servers that play a provider under its own name: only with \
            --allow-loopback-http.
            """,
            valueName: "HOST:PORT:ADDRESS"))
    var resolve: [String] = []

    @Option(
        name: .customLong("allow-network"),
        help: ArgumentHelp(
            """
            Let providers be in a private network, such as 10.20.0.0/16 or fd12:3456::/32; may be \
            repeated. Without it none is reached.
            """,
            valueName: "CIDR"))
    var allowedNetworks: [String] = []

    @Option(
        name: .customLong("nat64-prefix"),
        help: ArgumentHelp(
            """
            A prefix of this network's NAT64 (RFC 6052) beside 64:ff9b::/96; may be repeated. An \
            IPv6 address that begins so is judged by the IPv4 address in it.
            """,
            valueName: "PREFIX"))
    var nat64Prefixes: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Reach providers through this HTTP proxy, by CONNECT, with TLS up to the provider. The \
            proxy must refuse private addresses itself. https_proxy, ALL_PROXY and NO_PROXY are \
            never read.
            """,
            valueName: "http://HOST:PORT"))
    var proxy: String?

    @Option(
        name: .customLong("proxy-credentials-file"),
        help: "File with user:password for the proxy: yours, mode 0400 or 0600.")
    var proxyCredentialsFile: String?

    /// The settings of a vault that reaches just this.
    func settings() throws -> Vault.Settings { try values.vaultSettings() }

    var values: NetworkSettings {
        NetworkSettings(
            allowsLoopbackHTTP: allowLoopbackHTTP, caFile: caFile, resolve: resolve,
            allowedNetworks: allowedNetworks, nat64Prefixes: nat64Prefixes, proxy: proxy,
            proxyCredentialsFile: proxyCredentialsFile)
    }

    /// Takes from a file what was not given.
    mutating func fill(from file: NetworkSettings) {
        if file.allowsLoopbackHTTP { allowLoopbackHTTP = true }
        caFile = caFile ?? file.caFile
        if resolve.isEmpty { resolve = file.resolve }
        if allowedNetworks.isEmpty { allowedNetworks = file.allowedNetworks }
        if nat64Prefixes.isEmpty { nat64Prefixes = file.nat64Prefixes }
        proxy = proxy ?? file.proxy
        proxyCredentialsFile = proxyCredentialsFile ?? file.proxyCredentialsFile
    }
}
