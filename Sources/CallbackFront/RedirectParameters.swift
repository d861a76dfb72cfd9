// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What a platform wants to read in the query of its own success or failure page: these seven and
/// nothing else, in this order. They are no secrets; the browser shows them.
public struct RedirectParameters: Hashable, Sendable {
    /// The longest value, in bytes of UTF-8.
    public static let valueBytesMax = 256

    /// The instance that is being configured.
    public var instanceId: String
    /// Its name.
    public var instanceName: String
    /// The integration that it is an instance of.
    public var integrationId: String
    /// Its name.
    public var integrationName: String
    /// The configuration variable that the integration requires.
    public var requiredConfigVariableId: String
    /// Its key.
    public var requiredConfigVariableKey: String
    /// The instance's configuration variable, or the user's for a connection of a user's own.
    public var id: String

    /// All seven; a value of more than 256 bytes is refused when a link is made of it.
    public init(
        instanceId: String, instanceName: String, integrationId: String, integrationName: String,
        requiredConfigVariableId: String, requiredConfigVariableKey: String, id: String
    ) {
        self.instanceId = instanceId
        self.instanceName = instanceName
        self.integrationId = integrationId
        self.integrationName = integrationName
        self.requiredConfigVariableId = requiredConfigVariableId
        self.requiredConfigVariableKey = requiredConfigVariableKey
        self.id = id
    }

    private var all: [(name: String, value: String)] {
        [
            ("instanceId", instanceId), ("instanceName", instanceName),
            ("integrationId", integrationId), ("integrationName", integrationName),
            ("requiredConfigVariableId", requiredConfigVariableId),
            ("requiredConfigVariableKey", requiredConfigVariableKey), ("id", id),
        ]
    }

    var isWithinLimits: Bool { all.allSatisfy { $0.value.utf8.count <= Self.valueBytesMax } }

    /// The query, values percent-encoded, a space as `%20`.
    var query: String {
        all.map { "\($0.name)=\(TextEncoding.percentEncoded($0.value))" }.joined(separator: "&")
    }
}
