// SPDX-License-Identifier: Apache-2.0

/// One consent of one user at one provider, as the provider knows it.
struct Grant {
    /// Why a grant is over.
    enum End: String {
        /// A refresh token was presented after its successor had been issued.
        case reuse
        /// The user withdrew it at the provider.
        case user
        /// The refresh token was not used for too long.
        case idle
        /// The grant reached its absolute age.
        case age
        /// The vault revoked it.
        case revoked
    }

    let subject: Int
    let provider: Int
    let issued: Int64
    var used: Int64
    var end: End?
    /// The refresh token that is valid; the one before it may be, for the provider's grace.
    var refreshSerial: Int64 = 1
    var replaced: Int64 = 0
    /// Refresh tokens up to this one were in a request for revocation.
    var revocationSerial: Int64 = 0
    /// The connection that held it was disconnected, durably.
    var isDisconnected = false

    var isAlive: Bool { end == nil }
}
