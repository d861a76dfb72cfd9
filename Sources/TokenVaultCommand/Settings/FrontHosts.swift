// SPDX-License-Identifier: Apache-2.0

/// The hosts at which browsers reach the front: those of regions, under one domain, and others.
struct FrontHosts: Hashable, Sendable {
    /// The most hosts that are of no region.
    static let customDomainsMax = 64

    var domain: String?
    var regions: [Region] = []
    /// Each the whole name of a host.
    var customDomains: [String] = []

    /// Each host, in the order of the file: the regions', then the others.
    var all: [String] { regionHosts.map(\.host) + customDomains }

    /// The hosts of the regions.
    var regionHosts: [(region: Region, host: String)] {
        guard let domain else { return [] }
        return regions.map { ($0, $0.host(under: domain)) }
    }
}
