// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What stands between the vault and providers: the transport, and the guard over addresses.
final class Network: Sendable {
    /// Token and revocation endpoints, each request with its own deadline.
    let endpoint: TokenEndpoint
    let revocationEndpoint: TokenEndpoint
    let addressGuard: AddressGuard
    /// Documents that authorization servers publish.
    let metadata: MetadataFetch
    private let closing: Closing
    private let closeMilliseconds: Int
    /// Until when the vault is drained, on the clock that never jumps; 0 where it was not.
    private let drainEnd = Atomic<Int64>(0)

    /// For how many milliseconds a close has waited for codes.
    private let waited = Atomic(0)

    /// How it closes: whether refreshes are waited for, and for how many milliseconds all else is
    /// at the most.
    typealias Closing =
        @Sendable (_ awaitsRefreshes: Bool, _ milliseconds: Int) -> Void

    convenience init(
        _ settings: Vault.Settings, clock: any TimeSource
    ) throws(VaultError) {
        let curlSettings = try CurlTransport.Settings(
            caFile: settings.certificateFile, allowsLoopbackHTTP: settings.allowsLoopbackHTTP,
            allowedNetworks: AddressPrefix.list(settings.allowedNetworks),
            nat64Prefixes: NAT64Prefix.list(settings.nat64Prefixes),
            resolved: ResolvedHost.list(
                settings.resolve, allowsLoopback: settings.allowsLoopbackHTTP),
            proxy: Self.proxy(settings))
        let curl = try CurlTransport(settings: curlSettings)
        self.init(
            transport: curl, addressGuard: curlSettings.addressGuard, clock: clock,
            deadlines: settings.deadlines
        ) {
            curl.close(waitingAtMost: $1, awaitingRefreshes: $0)
        }
    }

    private static func proxy(_ settings: Vault.Settings) throws(VaultError) -> Proxy? {
        guard let text = settings.proxy else {
            guard settings.proxyCredentialsFile == nil else {
                throw VaultError(.invalidArgument, .exchange, .noProxy, .proxy)
            }
            return nil
        }
        guard let file = settings.proxyCredentialsFile else { return try Proxy(text) }
        return try Proxy(text, credentials: Secret(contentsOfFile: file))
    }

    /// A network of the caller's. The clock dates what clients sign.
    init(
        transport: any Transport, addressGuard: AddressGuard, clock: any TimeSource = SystemTime(),
        deadlines: Vault.Deadlines = Vault.Deadlines(),
        closing: @escaping Closing
    ) {
        endpoint = TokenEndpoint(
            transport: transport, deadlineMilliseconds: deadlines.tokenMilliseconds,
            clock: clock)
        revocationEndpoint = TokenEndpoint(
            transport: transport, deadlineMilliseconds: deadlines.revocationMilliseconds,
            clock: clock)
        closeMilliseconds = deadlines.closeMilliseconds
        self.addressGuard = addressGuard
        metadata = MetadataFetch(transport: transport, addressGuard: addressGuard)
        self.closing = closing
    }

    /// Waits for codes that are under way, before it is closed.
    func awaitCodes(_ listeners: ExchangeListeners) {
        let start = CurlQueue.monotonicMilliseconds()
        // A code that was given up at its deadline may be answered a while after.
        listeners.wait(milliseconds: closingMilliseconds(2 * closeMilliseconds))
        let waited = CurlQueue.monotonicMilliseconds() - start
        self.waited.store(Int(clamping: waited), ordering: .relaxed)
    }

    /// Answers what is pending and ends the thread. Refreshes had the time that codes were waited
    /// for as well.
    func close() {
        let isDrained = drainEnd.load(ordering: .relaxed) > 0
        let most = closingMilliseconds(closeMilliseconds)
        closing(!isDrained, isDrained ? most : max(0, most - waited.load(ordering: .relaxed)))
    }

    /// How long a close may wait: `most`, or what is left of a drain where that is less, but not
    /// less than the grace.
    private func closingMilliseconds(_ most: Int) -> Int {
        let end = drainEnd.load(ordering: .relaxed)
        guard end > 0 else { return most }
        let left = Int(clamping: end - CurlQueue.monotonicMilliseconds())
        return min(max(left, Self.graceMilliseconds), most)
    }

    /// Whoever closes has waited for refreshes already; what else is under way may take as long as
    /// that would have been allowed to.
    func drains(milliseconds: Int64) {
        let (end, isOver) = CurlQueue.monotonicMilliseconds().addingReportingOverflow(milliseconds)
        drainEnd.store(isOver ? .max : end, ordering: .relaxed)
    }

    /// How long what is no refresh may take at least, in milliseconds.
    private static let graceMilliseconds = 1000
}
