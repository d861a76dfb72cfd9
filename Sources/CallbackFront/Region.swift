// SPDX-License-Identifier: Apache-2.0

/// Where a platform runs, by the label that its callbacks have under the operator's domain.
public enum Region: String, CaseIterable, Hashable, Sendable {
    /// US Commercial: `oauth2.`.
    case usCommercial = "us"
    /// US GovCloud: `oauth2.us-gov-west-1.`.
    case usGovCloud = "us-gov-west-1"
    /// Ireland: `oauth2.eu-west-1.`.
    case ireland = "eu-west-1"
    /// London: `oauth2.eu-west-2.`.
    case london = "eu-west-2"
    /// Canada: `oauth2.ca-central-1.`.
    case canada = "ca-central-1"
    /// Sydney: `oauth2.ap-southeast-2.`.
    case sydney = "ap-southeast-2"

    /// What stands before the operator's domain, without the final dot.
    public var label: String { self == .usCommercial ? "oauth2" : "oauth2.\(rawValue)" }

    /// What people call it.
    public var name: String {
        switch self {
        case .usCommercial: "US Commercial"
        case .usGovCloud: "US GovCloud"
        case .ireland: "Ireland"
        case .london: "London"
        case .canada: "Canada"
        case .sydney: "Sydney"
        }
    }
}
