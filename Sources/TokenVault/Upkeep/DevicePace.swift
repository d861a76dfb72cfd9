// SPDX-License-Identifier: Apache-2.0

/// How fast a device code is polled (RFC 8628 section 3.5).
struct DevicePace: Sendable {
    /// How long is waited between the end of one poll and the start of the next, in seconds.
    private(set) var intervalSeconds: Int64
    /// How many polls in a row brought no answer that counts.
    private(set) var failures = 0
    /// How long the provider asked to be left alone when it answered last.
    private var retryAfterSeconds: Int64 = 0

    /// What a `slow_down` adds for good, in seconds.
    static let slowDownSeconds: Int64 = 5
    /// The longest wait that failures lead to, in milliseconds.
    static let backOffMillisecondsMax: Int64 = 300_000
    /// How often it doubles at the most.
    private static let doublingsMax = 8

    init(intervalSeconds: Int64) { self.intervalSeconds = intervalSeconds }

    /// The user has not decided: `authorization_pending`.
    mutating func goOn() {
        failures = 0
        retryAfterSeconds = 0
    }

    /// The provider wants to be asked less often: `slow_down`, or HTTP 429.
    mutating func slowDown(retryAfterSeconds: Int64? = nil) {
        goOn()
        intervalSeconds += Self.slowDownSeconds
        self.retryAfterSeconds = max(0, retryAfterSeconds ?? 0)
    }

    /// There was no answer, or one that says that the server has trouble.
    mutating func fail(retryAfterSeconds: Int64? = nil) {
        failures += 1
        self.retryAfterSeconds = max(0, retryAfterSeconds ?? 0)
    }

    /// How long is waited now, in milliseconds.
    var pauseMilliseconds: Int64 {
        let interval = intervalSeconds * 1000
        let doubled = interval << Int64(min(failures, Self.doublingsMax))
        let backOff = max(interval, min(doubled, Self.backOffMillisecondsMax))
        return max(backOff, min(retryAfterSeconds, Self.backOffMillisecondsMax / 1000) * 1000)
    }
}

extension Verdict {
    /// What the answer to a poll means.
    enum DeviceStep: Equatable {
        case goOn, slowDown(retryAfterSeconds: Int64?), failed(retryAfterSeconds: Int64?)
        /// The flow is over, one way or the other.
        case end
    }

    var deviceStep: DeviceStep {
        switch self {
        // A gateway's page, 403 or 404, is nothing that the provider says.
        case .refused(_, nil): .failed(retryAfterSeconds: nil)
        case .refused(_, let error): Self.step(error)
        case .applicationMisconfigured(_, let error): Self.step(error)
        case .transient(.answered(status: 429), let seconds):
            .slowDown(retryAfterSeconds: seconds)
        case .transient(_, let seconds): .failed(retryAfterSeconds: seconds)
        case .unsent: .failed(retryAfterSeconds: nil)
        default: .end
        }
    }

    private static func step(_ error: OAuthError?) -> DeviceStep {
        switch error {
        case .authorizationPending: .goOn
        case .slowDown: .slowDown(retryAfterSeconds: nil)
        default: .end
        }
    }
}
