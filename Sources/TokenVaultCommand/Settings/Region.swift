// SPDX-License-Identifier: Apache-2.0

/// Where a platform's customers are served from, by the name that its host has.
enum Region: String, CaseIterable, Sendable {
    case us
    case usGovWest1 = "us-gov-west-1"
    case euWest1 = "eu-west-1"
    case euWest2 = "eu-west-2"
    case caCentral1 = "ca-central-1"
    case apSoutheast2 = "ap-southeast-2"

    /// What people call it.
    var title: String {
        switch self {
        case .us: "US Commercial"
        case .usGovWest1: "US GovCloud"
        case .euWest1: "Ireland"
        case .euWest2: "London"
        case .caCentral1: "Canada"
        case .apSoutheast2: "Sydney"
        }
    }

    /// Its host under a domain.
    func host(under domain: String) -> String {
        self == .us ? "oauth2.\(domain)" : "oauth2.\(rawValue).\(domain)"
    }
}
