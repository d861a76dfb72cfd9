// SPDX-License-Identifier: Apache-2.0

/// What is a connection's own, beside its tokens: given to `connect`, kept sealed, and used for
/// whatever the vault asks of the provider on its behalf.
public struct ConnectionSettings: ~Copyable, Sendable {
    /// Values of the provider's variables, such as the shop or the host of this account, instead of
    /// the application's. They replace all that the connection has; nil leaves those. No secrets;
    /// each of 1 to 255 bytes.
    public var values: [String: String]?
    /// The client that the provider knows it by.
    public var client: Client
    /// Names of values that no person but the operator is to be shown: variables, and what is
    /// captured. Nil leaves it as it is. They are kept and read like the others; `values` says
    /// which they are. At most 32.
    public var hiddenNames: Set<String>?

    /// A registration at the provider that is this connection's own, such as an app that a customer
    /// registered in his own account.
    public enum Client: ~Copyable, Sendable {
        /// The one that the connection has had so far; of a new one, the application's.
        case unchanged
        /// The application's.
        case application
        /// Its own, by client id and secret; limits are those of `Application`. The secret can be
        /// written, never read.
        case own(id: String, secret: Secret?)
    }

    /// Settings; those that are left out stay as they are.
    public init(
        values: [String: String]? = nil, client: consuming Client = .unchanged,
        hiddenNames: Set<String>? = nil
    ) {
        self.values = values
        self.client = client
        self.hiddenNames = hiddenNames
    }

    /// Whether all stays as it is.
    var isEmpty: Bool {
        guard values == nil, hiddenNames == nil else { return false }
        return switch client {
        case .unchanged: true
        case .application: false
        case .own: false
        }
    }

    /// The most `hiddenNames`.
    public static let hiddenNamesMax = 32
}
