// SPDX-License-Identifier: Apache-2.0

/// Why nothing was discovered from an issuer: at which place, what is wrong there, and what would
/// do. All of it is public; it may quote what a server published.
public struct DiscoveryError: Error, Hashable, Sendable {
    /// What kind of trouble it is.
    @nonexhaustive
    public enum Kind: String, Sendable, CaseIterable {
        /// What was given is no issuer (RFC 8414 section 2).
        case issuerMalformed
        /// An address is not allowed: the issuer's, or one that a document names.
        case addressRefused
        /// The server cannot be reached, or did not answer in time.
        case unreachable
        /// The server's certificate is not trusted.
        case untrusted
        /// The server has no time now, or the vault no room.
        case busy
        /// There is no document.
        case notFound
        /// A document is not what RFC 8414 says.
        case unreadable
        /// A document is of another issuer.
        case otherIssuer
        /// Two documents contradict each other, or what is known already.
        case contradiction
        /// The server wants something that the vault does not do.
        case unsupported
    }

    /// What kind of trouble it is.
    public let kind: Kind
    /// The issuer, or the document, by its URL.
    public let place: String
    /// The member of the document; nil where the whole of it is meant.
    public let member: String?
    /// What is wrong.
    public let problem: String
    /// What would do.
    public let remedy: String

    package init(
        _ kind: Kind, at place: String, member: String? = nil, _ problem: String, remedy: String
    ) {
        self.kind = kind
        self.place = place
        self.member = member
        self.problem = problem
        self.remedy = remedy
    }

    init(
        _ kind: Kind, at place: String, _ member: ServerMetadata.Member, _ problem: String,
        remedy: String
    ) {
        self.init(kind, at: place, member: member.rawValue, problem, remedy: remedy)
    }
}

extension DiscoveryError: CustomStringConvertible {
    /// One line that says it all.
    public var description: String {
        let part = member.map { " \($0)" } ?? ""
        return "\(place):\(part) \(problem): \(remedy)"
    }
}

extension DiscoveryError {
    /// What is wrong with a URL that is refused, in words that follow it.
    static func words(_ cause: FailureCause?) -> String {
        switch cause {
        case .notHTTPS: "is not https"
        case .userInformation: "has a name or a password in it (before an @)"
        case .fragment: "has a fragment (# and what follows)"
        case .malformedHost: "has a host that is neither a name nor an address in its usual form"
        case .loopbackAddress, .resolvesToLoopback: "is on this machine (a loopback address)"
        case .privateAddress, .resolvesToPrivate: "is in a private network"
        case .linkLocalAddress, .resolvesToLinkLocal: "is at a link-local address"
        case .metadataAddress, .resolvesToMetadata:
            "is at the address of a cloud's metadata service"
        case .multicastAddress, .resolvesToMulticast: "is at a multicast address"
        case .translatedAddress, .resolvesToTranslated:
            "is at an IPv6 address that stands for an IPv4 address that is refused"
        case .privateName: "has a name that only private networks have"
        case .refusedPort: "is at a port of another service"
        case .unusableAddress, .resolvesToUnusable: "is at an address that no provider has"
        default: "is no URL of an endpoint (RFC 3986; at most \(Provider.endpointBytesMax) bytes)"
        }
    }
}
