// SPDX-License-Identifier: Apache-2.0

/// What a device authorization endpoint has given (RFC 8628 section 3.2).
struct DeviceCode: ~Copyable {
    /// What is presented at the token endpoint.
    let code: Secret
    /// What the user types, printable ASCII.
    let userCode: String
    /// Where the user goes.
    let verificationURI: String
    /// The same with the code in it; nil where the provider has none that can be shown.
    let verificationURIComplete: String?
    /// How long is waited between two polls at least, in seconds.
    let intervalSeconds: Int64
}
