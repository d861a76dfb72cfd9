// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// One connection as the world sees it, from outside: from the disk, from the wire, and from what
/// the platform did.
struct Subject {
    let provider: Int
    let id: ConnectionID
    let key: RecordKey

    // What is on the disk.
    var isStored = false
    var isFenced = false
    var state: UInt8 = 0
    var grant = -1
    var refreshSerial: Int64 = 0
    /// The moment the stored access token expires, which is its name too.
    var accessExpiry: Int64 = 0
    /// When that was stored.
    var accessSince: Int64 = 0
    /// Of an access token that an answer brought, its expiry as the vault counts it: from the
    /// moment that the request was sent.
    var counted: (accessExpiry: Int64, expiry: Int64) = (0, 0)
    /// From here on the times of another clock, which was ahead, look right: nobody can tell.
    var plausibleSince: Int64 = .max
    /// The serial of the life that is stored, or was.
    var life = 0

    // What the present process was told, before it is on the disk.
    var receivedGrant = -1
    var receivedSerial: Int64 = 0

    // On the wire.
    var inFlight = 0
    private(set) var failures = 0
    /// Those since its refresh token came into doubt, where its provider has a grace.
    private(set) var recentFailures = 0
    private var isInDoubt = false
    var failedAt: Int64 = 0
    /// Whether the last failure was a refusal: then another's success, and a change of its
    /// application, are reasons to try again.
    var isRefused = false
    var retryAfter: Int64 = 0
    private(set) var hasFailed = false
    /// When the platform last asked for a refresh, or for a token that was not fresh.
    var asked: Int64 = .min
    /// When something that is nobody's fault last happened to its own requests, and for how long
    /// that may delay it.
    var troubleEnd: Int64 = .min

    /// When the calls began that wait for a token of it.
    var calls: [Int64] = []
    /// A verb of the platform is at it.
    var isBusy = false

    init(_ index: Int, provider: Int) throws(VaultError) {
        self.provider = provider
        id = try ConnectionID("c\(index)")
        key = SimulatedStore.key(.connection, "c\(index)")
    }

    /// An attempt of it failed.
    ///
    /// - Parameter leavesDoubt: whether its provider may have replaced the refresh token, and takes
    ///   the old one for a while.
    mutating func countFailure(leavesDoubt: Bool) {
        hasFailed = true
        failures += 1
        if leavesDoubt, !isInDoubt { (isInDoubt, recentFailures) = (true, 0) }
        recentFailures += 1
    }

    /// The provider has said something of its refresh token: a new doubt begins anew.
    mutating func endDoubt() { isInDoubt = false }

    mutating func forgetFailures() {
        (hasFailed, failures, recentFailures, isInDoubt) = (false, 0, 0, false)
    }

    var isConnected: Bool { isStored && !isFenced && state == ConnectionState.active.rawValue }
}
