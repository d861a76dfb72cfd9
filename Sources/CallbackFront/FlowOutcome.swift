// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// How a flow ended that a browser brought to its end here: what `Configuration.onFlowEnded` gets.
/// The vault's event of the same flow says the same to whoever listens there.
public struct FlowOutcome: Sendable {
    /// What became of it. The codes are those of the failure redirect's `error` and of our own
    /// `/failed/CODE`: see `FailureReason`. New ones may be added.
    public enum Result: Hashable, Sendable {
        /// The connection has tokens.
        case connected
        /// The provider says that access was declined: `flowDenied`.
        case denied(String)
        /// Something went wrong, such as `providerUnreachable` or `applicationMisconfigured`.
        case failed(String)
    }

    /// The connection.
    public let connection: ConnectionID
    /// The application that it was to be connected through.
    public let application: ApplicationID
    /// What the flow is called; nil where no link started it.
    public let flow: FlowID?
    /// What became of it.
    public let result: Result
    /// What the platform's own page gets in its query; nil where the link named nothing.
    public let parameters: RedirectParameters?
}
