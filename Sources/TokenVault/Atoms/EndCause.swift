// SPDX-License-Identifier: Apache-2.0

/// Why a connection will come to its end, so that the user has to connect again.
@nonexhaustive
public enum EndCause: String, Hashable, Sendable, CaseIterable {
    /// The provider drops a refresh token that is not used for so long. Each refresh puts it off.
    case idle
    /// The provider lets a connection live for so long, whatever is done.
    case limit
    /// The provider said so when it gave the refresh token, or the access token where that is
    /// exchanged for the next one. A refresh may bring another one.
    case stated
    /// Nothing can renew the access token: there is no refresh token, or the access token was to be
    /// exchanged and has expired.
    case notRenewable = "not_renewable"
}
