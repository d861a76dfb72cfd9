// SPDX-License-Identifier: Apache-2.0

/// Why a connection will come to its end, so that the user has to connect again.
public enum EndCause: String, Hashable, Sendable, CaseIterable {
    /// The provider drops a refresh token that is not used for so long. Each refresh puts it off.
    case idle
    /// The provider lets a connection live for so long, whatever is done.
    case limit
    /// The provider said so when it gave the refresh token. A refresh may bring another one.
    case stated
    /// There is no refresh token: nothing can renew the access token.
    case notRenewable = "not_renewable"
}
