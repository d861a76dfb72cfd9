// SPDX-License-Identifier: Apache-2.0

/// What a platform wants to read in the query of its own success or failure page: the seven that
/// `init(instanceId:...)` names and nothing else, in this order; or parameters of its own. They are
/// no secrets; the browser shows them.
public struct RedirectParameters: Hashable, Sendable {
    /// The longest value, in bytes of UTF-8.
    public static let valueBytesMax = 256
    /// The longest name, in bytes.
    public static let nameBytesMax = 64
    /// The most parameters of a platform's own.
    public static let countMax = 16
    /// What a failure may carry: no parameter of a platform's own has its name.
    public static let errorName = "error"

    /// Names and values, in their order.
    package let all: [Parameter]

    package struct Parameter: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    /// All seven; a value of more than 256 bytes is refused where it is to be kept.
    ///
    /// - Parameters:
    ///   - instanceId: the instance that is being configured.
    ///   - instanceName: its name.
    ///   - integrationId: the integration that it is an instance of.
    ///   - integrationName: its name.
    ///   - requiredConfigVariableId: the configuration variable that the integration requires.
    ///   - requiredConfigVariableKey: its key.
    ///   - id: the instance's configuration variable, or the user-level one for a connection of a
    ///     user's own.
    public init(
        instanceId: String, instanceName: String, integrationId: String, integrationName: String,
        requiredConfigVariableId: String, requiredConfigVariableKey: String, id: String
    ) {
        all = [
            Parameter(name: "instanceId", value: instanceId),
            Parameter(name: "instanceName", value: instanceName),
            Parameter(name: "integrationId", value: integrationId),
            Parameter(name: "integrationName", value: integrationName),
            Parameter(name: "requiredConfigVariableId", value: requiredConfigVariableId),
            Parameter(name: "requiredConfigVariableKey", value: requiredConfigVariableKey),
            Parameter(name: "id", value: id),
        ]
    }

    /// Parameters of a platform's own instead of the seven.
    ///
    /// - Parameter own: at most 16, no name twice; names have 1 to 64 letters, digits, `-`, `.`,
    ///   `_` and `~`, and none is `error`.
    /// - Throws: `invalidArgument`, `limitExceeded`.
    public init(own: [(name: String, value: String)]) throws(VaultError) {
        let all = own.map { Parameter(name: $0.name, value: $0.value) }
        guard all.count <= Self.countMax else {
            throw VaultError(.limitExceeded, .authorize, number: Self.countMax, .tooMany)
        }
        guard Set(all.map(\.name)).count == all.count else {
            throw VaultError(.invalidArgument, .authorize, .twice)
        }
        for parameter in all {
            guard (1...Self.nameBytesMax).contains(parameter.name.utf8.count),
                parameter.name.utf8.allSatisfy(TextEncoding.isUnreserved)
            else { throw VaultError(.invalidArgument, .authorize, .wrongCharacter) }
            guard parameter.name != Self.errorName else {
                throw VaultError(.invalidArgument, .authorize, .setByProvider)
            }
        }
        self.all = all
        try check()
    }

    /// As they were kept.
    init(kept: [(name: String, value: String)]) {
        all = kept.map { Parameter(name: $0.name, value: $0.value) }
    }

    /// - Throws: `limitExceeded` where a value is too long.
    package func check() throws(VaultError) {
        guard all.allSatisfy({ $0.value.utf8.count <= Self.valueBytesMax }) else {
            throw VaultError(.limitExceeded, .authorize, number: Self.valueBytesMax, .tooLong)
        }
    }

    /// The query, values percent-encoded, a space as `%20`.
    public var query: String {
        all.map { "\($0.name)=\(TextEncoding.percentEncoded($0.value))" }.joined(separator: "&")
    }
}
