// SPDX-License-Identifier: Apache-2.0

/// What stands between the vault and providers: the transport, and the guard over addresses.
final class Network: Sendable {
    /// Token and revocation endpoints, each request with its own deadline.
    let endpoint: TokenEndpoint
    let revocationEndpoint: TokenEndpoint
    let addressGuard: AddressGuard
    private let closing: @Sendable () -> Void

    convenience init(_ settings: Vault.Settings) throws(VaultError) {
        let curlSettings = CurlTransport.Settings(
            caFile: settings.certificateFile, allowsLoopbackHTTP: settings.allowsLoopbackHTTP)
        let curl = try CurlTransport(settings: curlSettings)
        self.init(transport: curl, addressGuard: curlSettings.addressGuard) { curl.close() }
    }

    /// A network of somebody's own making.
    init(
        transport: any Transport, addressGuard: AddressGuard,
        closing: @escaping @Sendable () -> Void
    ) {
        endpoint = TokenEndpoint(transport: transport)
        revocationEndpoint = TokenEndpoint(
            transport: transport, deadlineMilliseconds: Revocation.deadlineMilliseconds)
        self.addressGuard = addressGuard
        self.closing = closing
    }

    /// Answers what is pending and ends the thread.
    func close() { closing() }
}
