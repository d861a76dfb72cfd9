// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// A host at which callbacks are served, and the links of the applications whose callbacks are
/// there: a region under the operator's domain, or a domain of a customer's own.
public struct CallbackHost: Hashable, Sendable {
    /// Scheme, host and, where needed, port, without a final slash; `https` but on loopback. Then
    /// the path at which the front is mounted, where it is: `https://platform.example/oauth`.
    public let baseURL: String
    /// Nil for a custom domain.
    public let region: Region?

    private init(_ baseURL: String, _ region: Region?) {
        (self.baseURL, self.region) = (baseURL, region)
    }

    /// The host of a region: `https://oauth2.eu-west-1.` and the domain.
    ///
    /// - Parameters:
    ///   - domain: the operator's, such as `example.com`.
    ///   - path: at which the front is mounted, such as `/oauth`; empty for the root.
    public static func region(
        _ region: Region, of domain: String, path: String = ""
    ) -> CallbackHost {
        CallbackHost("https://\(region.label).\(domain)\(path)", region)
    }

    /// A domain of somebody's own.
    public static func custom(_ baseURL: String) -> CallbackHost { CallbackHost(baseURL, nil) }

    /// What to register at a provider for an application: `/callback/{application}`, or the plain
    /// `/callback`, which is served where `plainCallbackApplications` says.
    public func callback(of application: ApplicationID? = nil) -> String {
        baseURL + "/callback" + (application.map { "/\($0)" } ?? "")
    }
}
