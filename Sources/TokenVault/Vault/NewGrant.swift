// SPDX-License-Identifier: Apache-2.0

/// Which connection tokens are for that were just asked for, and what it has them by from then on.
struct NewGrant: Sendable {
    let connection: ConnectionID
    let application: ApplicationID
    let requestedScope: String?
    let grant: GrantType
    /// Whose token it asks for; nil where nobody is named.
    let subject: String?
    /// Whether the provider knows it by a client of its own.
    let isOfOwnClient: Bool
    /// Whether it is beside the connection whose flow it was: see `Provider.SecondConnection`.
    private(set) var isSecond = false
    /// Whose connection the tokens may replace.
    var takenAccount = TakenAccount.any

    init(
        connection: ConnectionID, application: ApplicationID, requestedScope: String?,
        _ grant: GrantType, subject: String? = nil, _ own: OwnSettings?
    ) {
        (self.connection, self.application) = (connection, application)
        (self.requestedScope, self.grant) = (requestedScope, grant)
        self.subject = subject
        isOfOwnClient = own?.clientID != nil
    }

    /// What the flow of a code leads to.
    init(_ flow: borrowing PendingAuthorization) {
        self.init(
            connection: flow.connection, application: flow.application,
            requestedScope: flow.requestedScope, .authorizationCode, flow.own)
    }

    /// What the same flow leads to for its second connection.
    init(_ flow: borrowing PendingAuthorization, second: ConnectionID) {
        self.init(
            connection: second, application: flow.application,
            // What was asked for it stood in another parameter.
            requestedScope: nil, .authorizationCode, flow.own)
        isSecond = true
    }
}
