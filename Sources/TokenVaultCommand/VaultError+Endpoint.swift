// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say of endpoints: which one, and which rule.
extension VaultError {
    var refusedEndpoint: KnownCause? {
        if detail.subject == .variable {
            return KnownCause(
                "a value that the connection's endpoints need is missing, or is not what the "
                    + "provider's definition takes any more: correct the definition, or run "
                    + "connect again with --set name=value")
        }
        guard let cause = detail.cause, let rule = Self.rule(cause) else { return nil }
        return KnownCause("\(detail.subject?.name ?? "an endpoint") \(rule)")
    }

    /// What follows an endpoint's name.
    private static func rule(_ cause: FailureCause) -> String? {
        let serve = "(to `tokenvault serve`, where that runs)"
        let practice = "give --allow-loopback-http \(serve)"
        let network = "its network, such as --allow-network 10.20.0.0/16 \(serve), allows it"
        return switch cause {
        case .notHTTPS: "is not https: write https://"
        case .loopbackAddress:
            "is an address of this machine, which is refused over https, too: correct it; for a "
                + "practice server " + practice
        case .privateAddress:
            "is an address of a private network: name the provider's public one; if it is meant, "
                + network
        case .privateName:
            "has a host name that only private networks have: name the provider's public one; if "
                + "it is meant, " + network
        case .linkLocalAddress: "is a link-local address, which is never reached: correct it"
        case .metadataAddress:
            "is the address of a cloud's metadata service, which is never reached: correct it"
        case .multicastAddress: "is a multicast address, which no provider can have: correct it"
        case .translatedAddress:
            "is an IPv6 address that stands for an IPv4 address (NAT64, 6to4) that is refused: "
                + "name the provider's public one; if a private one is meant, " + network
        case .refusedPort:
            "names a port at which another service than HTTPS is: correct it (443, or the "
                + "provider's own)"
        case .unusableAddress: "is an address that no provider can have: correct it"
        case .resolvesToLoopback:
            "has a host name that leads to this machine: correct it, or see what resolves the name "
                + "here"
        case .resolvesToPrivate:
            "has a host name that leads to a private network: correct it, or see what resolves the "
                + "name here; if it is meant, " + network
        case .resolvesToLinkLocal:
            "has a host name that leads to a link-local address: see what resolves the name here"
        case .resolvesToMetadata:
            "has a host name that leads to a cloud's metadata service: see what resolves the name "
                + "here; if nobody here has made it do so, somebody tries to get at the "
                + "credentials of this machine"
        case .resolvesToMulticast:
            "has a host name that leads to a multicast address: see what resolves the name here"
        case .resolvesToTranslated:
            "has a host name that leads to an IPv6 address that stands for an IPv4 address (NAT64, "
                + "6to4) that is refused: see what resolves the name here; if a private one is "
                + "meant, " + network
        case .resolvesToUnusable:
            "has a host name that leads to an address that no provider can have: see what resolves "
                + "the name here"
        case .userInformation: "has a user name before its host: take out all up to the @"
        case .fragment: "has a fragment: take out the # and what follows"
        case .malformedURL, .malformedHost:
            "is no absolute URL in its usual form: write https://host/path"
        default: nil
        }
    }

    /// The same in few words, for a log.
    static func words(_ cause: FailureCause) -> String {
        switch cause {
        case .notHTTPS: "not https"
        case .loopbackAddress: "an address of this machine"
        case .privateAddress: "a private address"
        case .privateName: "a name of a private network"
        case .linkLocalAddress: "a link-local address"
        case .metadataAddress: "a cloud's metadata service"
        case .multicastAddress: "a multicast address"
        case .translatedAddress: "it stands for an IPv4 address that is refused"
        case .refusedPort: "a port of another service"
        case .resolvesToLinkLocal: "its name leads to a link-local address"
        case .resolvesToMetadata: "its name leads to a cloud's metadata service"
        case .resolvesToMulticast: "its name leads to a multicast address"
        case .resolvesToTranslated: "its name leads to an IPv4 address that is refused"
        case .unusableAddress: "no address of a provider"
        case .resolvesToLoopback: "its name leads to this machine"
        case .resolvesToPrivate: "its name leads to a private address"
        case .resolvesToUnusable: "its name leads to no address of a provider"
        case .userInformation: "a user name before the host"
        case .fragment: "a fragment"
        case .malformedURL, .malformedHost: "no URL"
        case .tokenTypeNotTaken: "an unknown token type"
        case .memberTwice: "a member is there twice"
        case .tokenNotText: "a token is no printable ASCII"
        case .tokenTooLong: "a token is too long"
        case .noAccessToken: "no access token"
        case .tokenUnreadable: "a newer token cannot be read"
        case .signatureMissing: "it is not signed"
        case .signatureOther: "its signature is not the provider's"
        case .valueUnknown: "a value in braces is not known"
        case .issuerMissing: "iss is missing"
        case .issuerOther: "iss is another's"
        case .notConfirmed: "nobody confirmed in time who finished it"
        case .otherUser: "another user finished it"
        case .otherAccount: "another account"
        case .accountUnknown: "the account could not be looked up"
        case .noAccountLookup: "no account is looked up"
        case .tooLong: "too long"
        case .valueMissing: "no value"
        case .valueRefused: "a value that is not taken"
        default: "\(cause)"
        }
    }
}
