// SPDX-License-Identifier: Apache-2.0

import CallbackFront

/// The hosts at which browsers reach the front: those of regions, under one domain, and others.
struct FrontHosts: Hashable, Sendable {
    /// The most hosts that are of no region.
    static let customDomainsMax = 64

    var domain: String?
    var regions: [Region] = []
    /// Each the whole name of a host.
    var customDomains: [String] = []

    /// Each host, in the order of the file: the regions', then the others.
    var all: [String] { callbackHosts.map { String($0.baseURL.dropFirst("https://".count)) } }

    /// The same as the front has them.
    var callbackHosts: [CallbackHost] {
        let regional = domain.map { domain in
            regions.map { CallbackHost.region($0, of: domain) }
        }
        return (regional ?? []) + customDomains.map { .custom("https://\($0)") }
    }
}
