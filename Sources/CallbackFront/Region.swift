// SPDX-License-Identifier: Apache-2.0

/// Where a platform runs, by the label that its callbacks have under the operator's domain.
public enum Region: String, CaseIterable, Hashable, Sendable {
    /// US Commercial: `oauth2.`.
    case usCommercial
    /// US GovCloud: `oauth2.us-gov-west-1.`.
    case usGovCloud
    /// Ireland: `oauth2.eu-west-1.`.
    case ireland
    /// London: `oauth2.eu-west-2.`.
    case london
    /// Canada: `oauth2.ca-central-1.`.
    case canada
    /// Sydney: `oauth2.ap-southeast-2.`.
    case sydney

    /// What stands before the operator's domain, without the final dot.
    public var label: String {
        switch self {
        case .usCommercial: "oauth2"
        case .usGovCloud: "oauth2.us-gov-west-1"
        case .ireland: "oauth2.eu-west-1"
        case .london: "oauth2.eu-west-2"
        case .canada: "oauth2.ca-central-1"
        case .sydney: "oauth2.ap-southeast-2"
        }
    }

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
