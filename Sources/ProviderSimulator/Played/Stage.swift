// SPDX-License-Identifier: Apache-2.0

/// The providers played by one server, told apart by the host that a request names.
struct Stage: Sendable {
    let providers: [ProviderSimulator.Provider]

    /// An endpoint, and what its host and path say.
    struct Found: Sendable {
        let provider: ProviderSimulator.Provider
        let route: Route
        let variables: [String: String]
    }

    /// Why there is no endpoint.
    enum Miss: Error, Sendable {
        case host, path, method
    }

    /// The provider at a host. Where one alone is played, it is found under every name, so that a
    /// person can ask for it at 127.0.0.1.
    func provider(at authority: String) -> ProviderSimulator.Provider? {
        let host = Stage.name(of: authority)
        let known = providers.first { provider in
            provider.routes.contains { $0.variables(ofHost: host, hosts: provider.hosts) != nil }
        }
        return known ?? (providers.count == 1 ? providers[0] : nil)
    }

    /// The endpoint that a request is for.
    func find(method: String, authority: String, path: Substring) throws(Miss) -> Found {
        let host = Stage.name(of: authority)
        guard let provider = provider(at: authority) else { throw .host }
        let isNamed = provider.routes.contains {
            $0.variables(ofHost: host, hosts: provider.hosts) != nil
        }
        var variables = provider.defaults
        if let first = provider.hosts.first { variables["host"] = first }
        var miss = Miss.path
        for route in provider.routes {
            let ofHost = route.variables(ofHost: host, hosts: provider.hosts)
            guard ofHost != nil || !isNamed, let ofPath = route.variables(ofPath: path) else {
                continue
            }
            guard route.methods.contains(method) else {
                miss = .method
                continue
            }
            variables.merge(ofHost ?? [:]) { $1 }
            variables.merge(ofPath) { $1 }
            return Found(provider: provider, route: route, variables: variables)
        }
        throw miss
    }

    private static func name(of authority: String) -> Substring {
        authority.lowercased().prefix { $0 != ":" }
    }
}
