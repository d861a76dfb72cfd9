// SPDX-License-Identifier: Apache-2.0

/// A link that starts the flow of a connection in the browser that opens it: once, within ten
/// minutes.
public struct ConnectionLink: Sendable {
    /// The last part of the link's URL: 43 characters of base64url, 256 random bits. Whoever has it
    /// can open the link, so it goes to the user whose connection it is and to nobody else; it
    /// opens no session and shows no secret.
    public let token: String
    /// What the flow is called that it starts.
    public let flow: FlowID
    /// When it expires.
    public let expires: UnixTime
}

/// What a link is for.
public struct LinkTarget: Sendable {
    /// The connection.
    public let connection: ConnectionID
    /// The application that it is connected through.
    public let application: ApplicationID
    /// What the provider is called.
    public let providerName: String
    /// Where the browser is sent, with the connection's values in it.
    public let authorizationEndpoint: String
    /// The application's callback URL.
    public let redirectURI: String
    /// Where the flow ends; nil for the front's own pages.
    public let redirects: Redirects?
    /// What will be asked for.
    public let scopes: [String]
    /// Whether the connection has had tokens before.
    public let isReconnect: Bool
    /// When the link expires.
    public let expires: UnixTime
}

/// An open flow, as the browser that it was started in finds it.
public struct OpenFlow: Sendable {
    /// What it is called, where a link started it.
    public let flow: FlowID?
    /// The connection.
    public let connection: ConnectionID
    /// The application.
    public let application: ApplicationID
    /// Where it ends; nil for the front's own pages.
    public let redirects: Redirects?
    /// Whether its code is exchanged only once the platform has confirmed it.
    public let awaitsConfirmation: Bool
    /// Whether the provider says in every callback which server it is (RFC 9207).
    public let sendsIssuer: Bool
}
