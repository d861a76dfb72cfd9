// SPDX-License-Identifier: Apache-2.0

/// A flow that was started and not yet finished; sealed in the store, one-time, ten minutes.
struct PendingAuthorization: ~Copyable {
    /// How long a flow may take, in milliseconds.
    static let lifetimeMilliseconds: Int64 = 600_000
    /// How long a code waits for the platform's confirmation, in milliseconds.
    static let confirmationMilliseconds: Int64 = 60_000
    /// How much longer it may lie there, for whoever is to write down that nobody confirmed it.
    private static let sweptMilliseconds: Int64 = 60_000

    /// When one that waits for its confirmation may be swept out, which cannot be confirmed from
    /// `expires` on.
    static func swept(_ expires: UnixTime) -> UnixTime {
        expires.adding(milliseconds: sweptMilliseconds)
    }

    /// What binds a browser is at most this long, in bytes.
    static let bindingBytesMax = 256

    let connection: ConnectionID
    let application: ApplicationID
    /// Nil for a device authorization, which has none.
    let codeVerifier: Secret?
    /// BLAKE2b of what only this browser can show again, such as a cookie; nil where nothing binds.
    let browserBinding: Secret?
    let started: UnixTime
    var expires: UnixTime
    let requestedScope: String?
    /// What will be the connection's own; nil where nothing is.
    let own: OwnSettings?
    /// What a device authorization is polled with; nil for a flow that a browser ends.
    var device: DeviceCode?
    /// What the flow is called, where a link started it.
    var flow: FlowID?
    /// Whether the code is exchanged only once the platform has said whose browser brought it.
    var awaitsConfirmation = false
    /// The query of the callback, while that is waited for.
    var heldQuery: Secret?

    /// Whether it is polled for, and no callback ends it.
    var isOfDevice: Bool {
        switch device {
        case .none: return false
        case .some: return true
        }
    }

    func copiedCodeVerifier() throws(VaultError) -> Secret? {
        switch codeVerifier {
        case .none: return nil
        case .some(let verifier): return try verifier.copy()
        }
    }

    /// The hash under which a binding is kept, so that the store cannot be used to forge it.
    static func hash(binding: borrowing Secret) throws(VaultError) -> Secret {
        guard (16...bindingBytesMax).contains(binding.count) else {
            throw VaultError(.invalidArgument, .authorize, number: bindingBytesMax)
        }
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(binding.bytes, into: &output)
        return hash
    }

    /// Whether the browser that comes back is the one that was sent out. A flow that was started
    /// without a binding is not completed by a browser that shows one: any browser could.
    func isBound(to binding: borrowing Secret?) throws(VaultError) -> Bool {
        switch browserBinding {
        case .none: return binding == nil
        case .some(let expected):
            switch binding {
            case .none: return false
            case .some(let binding):
                let shown = try Self.hash(binding: binding)
                return Sodium.isEqual(expected.bytes, shown.bytes)
            }
        }
    }
}
