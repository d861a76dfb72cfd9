// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    /// Every provider, each as most of its apps see it. One server can play all of them.
    public static let all: [Self] = [
        salesforce, slack, quickbooks, google, facebook, jira, dropbox, github, microsoft, hubspot,
        shopify, zendesk, xero, stripe, notion, zoom, linkedin, asana, gitlab,
    ]

    /// The same providers as apps with other settings see them.
    public static let variants: [Self] = [
        salesforceRotating, slackWithoutRotation, githubOAuthApp, linkedinUnapproved,
    ]

    /// The provider or variant of this name.
    public static func named(_ name: String) -> Self? {
        (all + variants).first { $0.name == name }
    }

    /// What a person opens, with the variables of the address in braces.
    public var authorizeURL: String { url { $0.verb == "authorize" } ?? "" }

    /// Where tokens are asked for.
    public var tokenURL: String { url { $0.verb == "token" } ?? "" }

    /// Where tokens are revoked; nil where there is no such place.
    public var revocationURL: String? { url { $0.verb == "revoke" } }

    /// What tells whom an access token belongs to; nil where nothing does.
    public var lookUpURL: String? { url { $0.verb == "look up" } }

    /// The host names, `*` standing for a name.
    public var hostNames: [String] {
        var names: [String] = []
        for route in routes {
            let template = route.host.split(separator: ".").map { $0.hasPrefix("{") ? "*" : $0 }
            let found = route.host == "{host}" ? hosts : [template.joined(separator: ".")]
            for name in found where !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Turns a copy into a variant.
    mutating func variant(_ name: String) {
        self.name += "-" + name
    }

    private func url(_ isMeant: (Route.Action) -> Bool) -> String? {
        routes.first { isMeant($0.action) }.map { "https://" + $0.host + $0.path }
    }
}

extension Route.Action {
    fileprivate var verb: String {
        switch self {
        case .authorize: "authorize"
        case .token: "token"
        case .revoke: "revoke"
        case .lookUp: "look up"
        case .introspect: "introspect"
        }
    }
}
