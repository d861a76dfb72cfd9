// SPDX-License-Identifier: Apache-2.0

/// What a connection link stands for until it is opened; sealed in the store, one-time, ten
/// minutes.
struct PendingLink: Sendable {
    /// How long a link may wait to be opened, in milliseconds; its flow then has as long again.
    static let lifetimeMilliseconds: Int64 = 600_000

    let connection: ConnectionID
    let application: ApplicationID
    let flow: FlowID
    let awaitsConfirmation: Bool
    /// Instead of the application's; nil where the connection says, or nothing does.
    let scopes: [String]?
    let userScopes: [String]?
    let started: UnixTime
    let expires: UnixTime
    /// What will be the connection's own; nil where nothing is.
    let own: OwnSettings?
}
