// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A device authorization that waits for its user, as JSON has it. Nothing in it is a secret of the
/// vault's: it is what the user is shown.
struct DeviceForm: Codable, Sendable {
    var id: String
    var userCode: String
    var verificationURI: String
    var verificationURIComplete: String?
    var expires: Moment
    var intervalSeconds: Int

    init(_ device: DeviceAuthorization) {
        id = device.connection.text
        userCode = device.userCode
        verificationURI = device.verificationURI
        verificationURIComplete = device.verificationURIComplete
        expires = Moment(device.expires)
        intervalSeconds = Int(device.interval.components.seconds)
    }
}
