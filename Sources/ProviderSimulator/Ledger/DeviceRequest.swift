// SPDX-License-Identifier: Apache-2.0

/// A device authorization (RFC 8628), kept after use so that a second use is noticed.
struct DeviceRequest: Sendable {
    static let grantType = "urn:ietf:params:oauth:grant-type:device_code"

    /// Those remembered at one time, used ones included.
    static let remembered = 10_000

    let clientID: String
    let scope: String
    let userCode: String
    let expires: ContinuousClock.Instant
    /// How long is to be waited between two polls.
    let interval: Duration
    var lastPoll: ContinuousClock.Instant?
    var decision = Decision.pending

    enum Decision: Sendable {
        case pending, denied, used
        case approved(user: String)
    }

    /// Letters that are no vowels, so that no words come about (RFC 8628 section 6.1).
    private static let letters = Array("BCDFGHJKLMNPQRSTVWXZ")

    /// Such as `WDJB-MJHT`.
    static func randomUserCode() -> String {
        let text = (0..<8).map { _ in letters.randomElement() ?? "X" }
        return String(text.prefix(4)) + "-" + String(text.suffix(4))
    }

    /// Whether it is the code that somebody has typed, in whatever case and with or without the
    /// dash.
    func isNamed(_ typed: String) -> Bool {
        userCode.filter(\.isLetter) == typed.uppercased().filter(\.isLetter)
    }
}

extension Ledger {
    /// Gives out a device code.
    mutating func startDevice(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> (code: String, request: DeviceRequest) {
        let scope = form["scope"] ?? ""
        let asked = scope.split(separator: " ").map(String.init)
        guard settings.scopes.isEmpty || settings.scopes.isSuperset(of: asked) else {
            throw OAuthError("invalid_scope", "a scope is not offered here")
        }
        if devices.count >= DeviceRequest.remembered {
            let now = now
            devices = devices.filter { $0.value.expires > now }
        }
        guard devices.count < DeviceRequest.remembered else {
            throw OAuthError("temporarily_unavailable", "too many codes are open", status: 503)
        }
        let code = randomText("device")
        let request = DeviceRequest(
            clientID: client.id, scope: scope, userCode: DeviceRequest.randomUserCode(),
            expires: now + settings.deviceLifetime, interval: settings.deviceInterval)
        devices[code] = request
        counters.deviceCodes += 1
        return (code, request)
    }

    /// Answers a poll (RFC 8628 section 3.5). A device code works once.
    mutating func poll(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        guard let code = form["device_code"] else {
            throw OAuthError("invalid_request", "device_code is missing")
        }
        counters.devicePolls += 1
        guard let request = devices[code], request.clientID == client.id else {
            throw OAuthError("invalid_grant", "unknown device code")
        }
        let now = now
        guard request.expires > now else {
            throw OAuthError("expired_token", "the device code has expired")
        }
        devices[code]?.lastPoll = now
        if let last = request.lastPoll, now - last < request.interval {
            counters.slowDowns += 1
            throw OAuthError("slow_down", "wait five seconds longer from now on")
        }
        switch request.decision {
        case .pending: throw OAuthError("authorization_pending", "the user has not decided")
        case .denied: throw OAuthError("access_denied", "the user said no")
        case .used: throw OAuthError("invalid_grant", "the device code was already used")
        case .approved(let user):
            devices[code]?.decision = .used
            return openGrant(clientID: client.id, user: user, scope: request.scope).1
        }
    }

    /// The open request of a user code.
    func device(named userCode: String) -> (code: String, request: DeviceRequest)? {
        let now = now
        for (code, request) in devices where request.isNamed(userCode) && request.expires > now {
            if case .pending = request.decision { return (code, request) }
        }
        return nil
    }

    /// Decides for a user. False where there is no such open code.
    mutating func decideDevice(_ userCode: String, approve: Bool, user: String) -> Bool {
        guard let (code, _) = device(named: userCode), !user.isEmpty || !approve,
            user.utf8.count <= 256
        else { return false }
        devices[code]?.decision = approve ? .approved(user: user) : .denied
        if approve { counters.approvals += 1 } else { counters.denials += 1 }
        return true
    }
}
