// SPDX-License-Identifier: Apache-2.0

/// What kind of event a webhook is told of, as its messages name it.
public struct WebhookType: Sendable, Hashable, CustomStringConvertible {
    /// Such as `connection.connected`.
    public let name: String
    /// The kinds of the log that it stands for.
    let kinds: [VaultEvent.Kind]
    /// Whether it is about an application, and not about a connection.
    let isOfApplication: Bool

    private init(_ name: String, _ kinds: VaultEvent.Kind..., isOfApplication: Bool = false) {
        self.name = name
        self.kinds = kinds
        self.isOfApplication = isOfApplication
    }

    /// A flow was completed, or tokens were had without one.
    public static let connected = Self("connection.connected", .connected)
    /// A flow failed.
    public static let connectFailed = Self("connection.connect_failed", .connectFailed)
    /// The user, or the provider itself, declined a flow.
    public static let connectDenied = Self("connection.connect_denied", .connectDenied)
    /// It was connected again, with another account than before.
    public static let accountChanged = Self("connection.account_changed", .accountChanged)
    /// Tokens were put by the platform.
    public static let tokensPut = Self("connection.tokens_put", .tokensPut)
    /// A refresh worked; only where `Vault.Settings.logsRefreshes` says so.
    public static let refreshed = Self("connection.refreshed", .refreshed)
    /// A refresh did not work, and is tried again, or waits for somebody.
    public static let degraded = Self(
        "connection.degraded", .refreshDelayed, .refreshRefused, .replyUnread)
    /// A refresh works again.
    public static let recovered = Self("connection.recovered", .recovered)
    /// The provider has ended the grant: the user has to connect again.
    public static let reconnectNeeded = Self("connection.reconnect_needed", .grantLost)
    /// The user has to connect again soon: `number` is in how many seconds.
    public static let expiresSoon = Self("connection.expires_soon", .expiresSoon)
    /// The platform said that a token was rejected.
    public static let tokenRejected = Self("connection.token_rejected", .tokenRejected)
    /// The component that used the connection met an error of its own.
    public static let useFailed = Self("connection.use_failed", .useFailed)
    /// The connection is gone.
    public static let disconnected = Self("connection.disconnected", .disconnected)
    /// The provider rejects the application.
    public static let misconfigured = Self(
        "application.misconfigured", .applicationRejected, isOfApplication: true)
    /// The provider takes the application again.
    public static let accepted = Self(
        "application.recovered", .recovered, isOfApplication: true)

    /// All of them.
    public static let all: [Self] = [
        connected, connectFailed, connectDenied, accountChanged, tokensPut, refreshed, degraded,
        recovered, reconnectNeeded, expiresSoon, tokenRejected, useFailed, disconnected,
        misconfigured, accepted,
    ]

    /// Those that a webhook is told of that asks for none.
    public static let usual: [Self] = [
        connected, connectFailed, connectDenied, accountChanged, refreshed, degraded, recovered,
        reconnectNeeded, expiresSoon, disconnected, misconfigured, accepted,
    ]

    /// The type of this name.
    public init?(_ name: String) {
        guard let known = Self.all.first(where: { $0.name == name }) else { return nil }
        self = known
    }

    /// The type of an event of the log; nil where nobody is told of it. The application of one that
    /// was removed is not known any more, but nothing else is rejected.
    init?(_ event: LoggedEvent) {
        let kind = event.event.kind
        let known = Self.all.filter { $0.kinds.contains(kind) }
        guard
            let type = known.first(where: { $0.isOfApplication == (event.application != nil) })
                ?? known.first
        else { return nil }
        self = type
    }

    /// Its name.
    public var description: String { name }
}
