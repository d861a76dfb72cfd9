// SPDX-License-Identifier: Apache-2.0

/// A device authorization that waits for its user (RFC 8628 section 3.2): what to show to a person,
/// who types the code into a browser anywhere. The device code stays in the vault.
public struct DeviceAuthorization: Sendable, Hashable {
    /// The connection that will have the tokens.
    public let connection: ConnectionID
    /// What the user types: 1 to 64 bytes of printable ASCII.
    public let userCode: String
    /// Where: `https`, or `http` on a loopback address, at most 2,048 bytes of ASCII.
    public let verificationURI: String
    /// The same with the code in it, for a link or a QR code; nil where the provider has none.
    public let verificationURIComplete: String?
    /// When the codes expire: an hour after they were given at the latest.
    public let expires: UnixTime
    /// How long the vault waits between two questions at first, 1 to 60 s.
    public let interval: Duration

    init(_ connection: ConnectionID, _ device: borrowing DeviceCode, expires: UnixTime) {
        self.connection = connection
        userCode = device.userCode
        verificationURI = device.verificationURI
        verificationURIComplete = device.verificationURIComplete
        self.expires = expires
        interval = .seconds(device.intervalSeconds)
    }
}
