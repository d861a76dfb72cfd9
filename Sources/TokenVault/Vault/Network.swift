// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What stands between the vault and providers: the transport, and the guard over addresses.
final class Network: Sendable {
    /// Token and revocation endpoints, each request with its own deadline.
    let endpoint: TokenEndpoint
    let revocationEndpoint: TokenEndpoint
    let addressGuard: AddressGuard
    private let closing: @Sendable (_ isDrained: Bool) -> Void
    private let isDrained = Atomic(false)

    convenience init(_ settings: Vault.Settings) throws(VaultError) {
        let curlSettings = CurlTransport.Settings(
            caFile: settings.certificateFile, allowsLoopbackHTTP: settings.allowsLoopbackHTTP)
        let curl = try CurlTransport(settings: curlSettings)
        self.init(transport: curl, addressGuard: curlSettings.addressGuard) {
            curl.close(awaitingLate: !$0)
        }
    }

    /// A network of somebody's own making.
    init(
        transport: any Transport, addressGuard: AddressGuard,
        closing: @escaping @Sendable (_ isDrained: Bool) -> Void
    ) {
        endpoint = TokenEndpoint(transport: transport)
        revocationEndpoint = TokenEndpoint(
            transport: transport, deadlineMilliseconds: Revocation.deadlineMilliseconds)
        self.addressGuard = addressGuard
        self.closing = closing
    }

    /// Answers what is pending and ends the thread.
    func close() { closing(isDrained.load(ordering: .relaxed)) }

    /// Whoever closes has waited for late answers already.
    func drained() { isDrained.store(true, ordering: .relaxed) }
}
