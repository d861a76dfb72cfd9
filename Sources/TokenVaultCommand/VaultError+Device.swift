// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say where a device authorization failed.
extension VaultError {
    /// Nil where it is about something else, or what is said of every request will do.
    var deviceCause: KnownCause? {
        switch detail.subject {
        case .deviceAuthorizationEndpoint: deviceCodeCause
        case .deviceCode: pollCause
        default: nil
        }
    }

    private static let endpoint =
        "correct device_authorization_endpoint in the provider's definition (`tokenvault app add "
        + "--replace`)"

    /// There is no code.
    private var deviceCodeCause: KnownCause? {
        switch code {
        case .invalidArgument:
            KnownCause(
                "the provider's definition has no device_authorization_endpoint: add it, if the "
                    + "provider has one, or connect without --device", .misconfigured)
        case .endpointRefused:
            KnownCause(
                "device_authorization_endpoint "
                    + (detail.cause.map { "is refused (\(Self.words($0)))" } ?? "is refused")
                    + ": " + Self.endpoint)
        case .providerAnswerUnreadable:
            KnownCause(
                "the provider's answer has no codes that can be shown"
                    + (detail.cause.map { " (\(Self.memberFault($0)))" } ?? "") + ": check "
                    + "device_authorization_endpoint; if that is right, tell the provider")
        case .providerRefused where providerError == nil && [404, 405, 410].contains(number):
            KnownCause("nothing is at the address that was asked for a code: " + Self.endpoint)
        case .providerRefused:
            KnownCause(
                "the provider gives out no device code"
                    + (providerError.map { " (\($0.name))" } ?? "")
                    + ": allow the application the device flow there, and check the scopes; or "
                    + Self.endpoint)
        case .applicationMisconfigured:
            KnownCause(
                "the provider rejects the application at device_authorization_endpoint: allow it "
                    + "the device flow there; if that is so, correct client id and secret, or say "
                    + "that nobody authenticates there (device_authorization: { authentication: "
                    + "none }), with `tokenvault app add --replace`")
        case .providerUnreachable:
            KnownCause(
                "no connection to device_authorization_endpoint came about: " + Self.endpoint
                    + ", or check the network")
        case .answerLost, .deadlineExceeded:
            KnownCause("the provider gave no answer to the request for a code: try again")
        default: nil
        }
    }

    private static func memberFault(_ cause: FailureCause) -> String {
        cause == .missing
            ? "one of device_code, user_code, verification_uri and expires_in is missing"
            : words(cause)
    }

    /// The code brings no tokens.
    private var pollCause: KnownCause? {
        switch code {
        case .providerRefused where providerError == .invalidGrant:
            KnownCause(
                "the provider does not know the device code any more: it has expired, or the "
                    + "answer with the tokens was lost on its way: run connect --device again",
                .connectAgain)
        case .providerRefused:
            KnownCause(
                "the provider refuses the device code"
                    + (providerError.map { " (\($0.name))" } ?? "")
                    + ": check grant_type and code_parameter of device_authorization against its "
                    + "documentation, then run connect --device again")
        case .applicationMisconfigured
        where providerError == .unauthorizedClient || providerError == .unsupportedGrantType:
            KnownCause(
                "the provider does not let the application use device codes: allow it the device "
                    + "flow there, or correct grant_type of device_authorization; then run connect "
                    + "--device again")
        default: nil
        }
    }
}
