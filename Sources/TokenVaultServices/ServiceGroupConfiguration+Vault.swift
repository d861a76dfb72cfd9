// SPDX-License-Identifier: Apache-2.0

public import CallbackFront
public import Logging
public import ServiceLifecycle
public import TokenVault
import UnixSignals

extension ServiceGroupConfiguration {
    /// How much longer than `drain` the end may take before what still runs is cancelled.
    public static let graceSeconds: Int64 = 30

    /// A group that owns a vault: services in the order in which they have to end, and the end on
    /// SIGTERM or SIGINT.
    ///
    /// The host's own services end first, then the front, which answers the browsers that are
    /// there, and the vault last.
    ///
    /// - Parameters:
    ///   - front: nil where its `router()` is mounted in a server of the host's own.
    ///   - services: the host's own, such as its HTTP server.
    ///   - drain: as `VaultService`.
    public init(
        vault: Vault, front: CallbackFront? = nil, services: [any Service] = [],
        drain: Duration = VaultService.drainDefault, logger: Logger
    ) {
        var all: [any Service] = [VaultService(vault, drain: drain)]
        if let front { all.append(front) }
        self.init(
            services: all + services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        maximumGracefulShutdownDuration = drain + .seconds(Self.graceSeconds)
    }
}
