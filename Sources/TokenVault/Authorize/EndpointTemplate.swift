// SPDX-License-Identifier: Apache-2.0

/// Where the refreshes of an application's connections go, and what is asked for anew, as far as
/// that is the same for all.
struct EndpointTemplate: Hashable, Sendable {
    private let url: String
    private let tokenURL: String
    private let variables: [String: Provider.Variable]
    private let values: [String: String]

    init(_ application: borrowing Application) {
        url = application.provider.refreshURL
        tokenURL = application.provider.tokenEndpoint
        variables = application.provider.variables.mapValues {
            Provider.Variable(defaultValue: $0.defaultValue, hostSuffixes: $0.hostSuffixes)
        }
        values = application.values
    }

    /// Of an application that is not there.
    init() { (url, tokenURL, variables, values) = ("", "", [:], [:]) }

    /// The URL of a connection with these values of its own; where there is none, since one is
    /// missing or refused, the template itself, which is no URL.
    func url(_ own: [String: String], _ grant: GrantType = .authorizationCode) -> String {
        let url = grant.asksAnew ? tokenURL : url
        guard URLTemplate.isTemplate(url) else { return url }
        let filled = try? URLTemplate(url).filled(
            { own[$0] ?? values[$0] ?? variables[$0]?.defaultValue },
            hosts: { variables[$0]?.hostSuffixes ?? [] })
        return filled ?? url
    }
}
