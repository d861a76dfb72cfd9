// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What is to be a connection's own, as JSON has it. A client secret travels beside it.
struct OwnForm: Codable, Sendable {
    /// Values of variables; nil leaves them.
    var values: [String: String]?
    /// The client id, where there is one of its own.
    var clientID: String?
    /// Whether it is to be the application's again.
    var usesApplicationClient = false
    var hiddenNames: [String]?

    func settings(clientSecret: consuming Secret?) -> ConnectionSettings {
        let hidden = hiddenNames.map { Set($0) }
        if let clientID {
            return ConnectionSettings(
                values: values, client: .own(id: clientID, secret: clientSecret),
                hiddenNames: hidden)
        }
        return ConnectionSettings(
            values: values, client: usesApplicationClient ? .application : .unchanged,
            hiddenNames: hidden)
    }
}
