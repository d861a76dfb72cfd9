// SPDX-License-Identifier: Apache-2.0

extension Plan {
    /// The vault beside what others build their token stores of; one entry a figure.
    var peers: [Figure] {
        let read = ["\(scale.small)", "1", "\(scale.reads)"]
        let put = ["\(scale.small)", "\(scale.puts)"]
        return [
            Figure(
                name: "token read / SQLCipher", ours: ["read", population(scale.small)] + read,
                floor: ["\(others)/sqlcipher", "read", population(scale.small)] + read,
                goal: .ratioAtMost(0.7), population: scale.small),
            Figure(
                name: "durable put / SQLCipher", ours: ["put", population(scale.small)] + put,
                floor: ["\(others)/sqlcipher", "put", population(scale.small)] + put,
                population: scale.small),
            go(.asItComes, url), go(.asItComes, secureURL), go(.kept, url), go(.kept, secureURL),
            refresh("requests-oauthlib", url, python("requests"), 16, scale.slowRefreshes),
            refresh("Authlib, httpx", url, python("authlib"), 32, scale.slowRefreshes),
        ]
    }

    /// How Go's client treats its connections: as x/oauth2 takes it, it keeps two and opens the
    /// others anew; its users may have it keep more.
    private enum Connections: String {
        case asItComes = "as-it-comes"
        case kept
    }

    private func go(_ connections: Connections, _ url: String) -> Figure {
        let manner = connections == .kept ? "its connections kept" : "as it comes"
        return refresh(
            "Go oauth2 and bbolt, \(manner)", url,
            ["\(others)/go-refresh", connections.rawValue], 128, scale.refreshes,
            connections == .kept && url == secureURL ? 0.85 : 0.7)
    }

    private func python(_ name: String) -> [String] {
        ["\(others)/venv/bin/python3", "benchmarks/peers/python/refresh_by_\(name).py"]
    }

    private func refresh(
        _ name: String, _ url: String, _ peer: [String], _ inFlight: Int, _ refreshes: Int,
        _ goal: Double? = nil
    ) -> Figure {
        let home = population(scale.refreshes)
        let certificates = url == secureURL ? [self.certificates] : []
        return Figure(
            name: "durable refresh\(certificates.isEmpty ? "" : " over TLS") / \(name)",
            ours: ["upkeep", home, url, "128", "\(scale.refreshes)"] + certificates,
            floor: peer + [home, url, "\(inFlight)", "\(refreshes)"] + certificates,
            goal: goal.map { .ratioAtMost($0) }, population: scale.refreshes)
    }
}
