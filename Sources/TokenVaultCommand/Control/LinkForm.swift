// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A link that is to be made, as JSON has it.
struct LinkForm: Codable, Sendable {
    var id: String
    var application: String
    var scopes: [String]?
    var userScopes: [String]?
    /// Nothing is the connection's own without it.
    var own: OwnForm?
    /// Nil leaves those that the connection has.
    var redirects: RedirectsForm?
    var awaitsConfirmation: Bool?
    /// Where the front will be reached; nil where the process that serves knows it.
    var baseURL: String?
}

/// A link that was made, as JSON has it. Its URL is to be given to its user alone.
struct MadeLinkForm: Codable, Sendable {
    var url: String
    /// What names the flow; it opens nothing.
    var flow: String
    var expires: Moment
    /// Whether the process that answers also answers browsers there.
    var isServed: Bool

    enum CodingKeys: String, CodingKey {
        case url, flow, expires
        case isServed = "served"
    }
}

/// Where the browser goes when the flow ends, as JSON has it.
struct RedirectsForm: Codable, Sendable {
    struct Parameter: Codable, Sendable {
        var name: String
        var value: String
    }

    var success: String?
    var failure: String?
    /// In their order; nil where there are none.
    var parameters: [Parameter]?
    /// Whether the names are the platform's own; else they are exactly the seven.
    var hasOwnNames: Bool?
    var failureCarriesError: Bool?

    /// The names of the seven, in their order.
    static let names = [
        "instanceId", "instanceName", "integrationId", "integrationName",
        "requiredConfigVariableId", "requiredConfigVariableKey", "id",
    ]

    func redirects() throws -> Redirects {
        Redirects(
            success: success, failure: failure, parameters: try redirectParameters(),
            failureCarriesError: failureCarriesError ?? false)
    }

    private func redirectParameters() throws -> RedirectParameters? {
        guard let parameters else { return nil }
        if hasOwnNames ?? false {
            return try RedirectParameters(own: parameters.map { ($0.name, $0.value) })
        }
        guard parameters.map(\.name) == Self.names else { throw Wire.garbled }
        let values = parameters.map(\.value)
        return RedirectParameters(
            instanceId: values[0], instanceName: values[1], integrationId: values[2],
            integrationName: values[3], requiredConfigVariableId: values[4],
            requiredConfigVariableKey: values[5], id: values[6])
    }
}
