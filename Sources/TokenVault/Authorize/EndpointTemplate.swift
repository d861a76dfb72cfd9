// SPDX-License-Identifier: Apache-2.0

/// Where the refreshes of an application's connections go, as far as that is the same for all.
struct EndpointTemplate: Hashable, Sendable {
    private let url: String
    private let variables: [String: Provider.Variable]
    private let values: [String: String]

    init(_ application: borrowing Application) {
        url = application.provider.refreshURL
        variables = application.provider.variables.mapValues {
            Provider.Variable(defaultValue: $0.defaultValue, hostSuffixes: $0.hostSuffixes)
        }
        values = application.values
    }

    /// Of an application that is not there.
    init() { (url, variables, values) = ("", [:], [:]) }

    /// The URL of a connection with these values of its own; where there is none, since one is
    /// missing or refused, the template itself, which is no URL.
    func url(_ own: [String: String]) -> String {
        guard URLTemplate.isTemplate(url) else { return url }
        let filled = try? URLTemplate(url).filled(
            { own[$0] ?? values[$0] ?? variables[$0]?.defaultValue },
            hosts: { variables[$0]?.hostSuffixes ?? [] })
        return filled ?? url
    }
}
