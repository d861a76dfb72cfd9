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
            refresh("Go oauth2 and bbolt", url, ["\(others)/go-refresh"], 128, 0.7),
            refresh("Go oauth2 and bbolt", secureURL, ["\(others)/go-refresh"], 128, 0.7),
            refresh("requests-oauthlib", url, python("requests"), 16),
            refresh("Authlib, httpx", url, python("authlib"), 32),
        ]
    }

    private func python(_ name: String) -> [String] {
        ["\(others)/venv/bin/python3", "benchmarks/peers/python/refresh_by_\(name).py"]
    }

    private func refresh(
        _ name: String, _ url: String, _ peer: [String], _ inFlight: Int, _ goal: Double? = nil
    ) -> Figure {
        let home = population(scale.refreshes)
        let certificates = url == secureURL ? [self.certificates] : []
        let refreshes = peer.count == 1 ? scale.refreshes : scale.slowRefreshes
        return Figure(
            name: "durable refresh\(certificates.isEmpty ? "" : " over TLS") / \(name)",
            ours: ["upkeep", home, url, "128", "\(scale.refreshes)"] + certificates,
            floor: peer + [home, url, "\(inFlight)", "\(refreshes)"] + certificates,
            goal: goal.map { .ratioAtMost($0) }, population: scale.refreshes)
    }
}
