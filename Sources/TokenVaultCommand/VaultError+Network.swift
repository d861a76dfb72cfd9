// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say of the ways out: allowed networks, the NAT64 and the proxy.
extension VaultError {
    /// An entry of `--allow-network` or `--nat64-prefix`, or what `--proxy` names.
    var network: KnownCause? {
        let text: String? =
            switch detail.subject {
            case .allowedNetwork: "--allow-network \(allowedNetwork)"
            case .nat64Prefix: "--nat64-prefix \(nat64Prefix)"
            case .proxy: proxy
            default: nil
            }
        return text.map { KnownCause($0, .usage) }
    }

    private var allowedNetwork: String {
        switch detail.cause {
        case .tooMany: "is there more than \(number) times"
        case .hostBits:
            "has a bit set behind its length, so that it may mean two networks: write the "
                + "network's first address, such as 10.20.0.0/16"
        case .notPrivate:
            "is for private networks: name a part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "
                + "100.64.0.0/10 or fc00::/7. The open internet needs no permission, this machine "
                + "has --allow-loopback-http, and link-local, multicast and reserved addresses "
                + "are never allowed"
        default:
            "is an address, a slash and a length, such as 10.20.0.0/16 or fd12:3456::/32; one "
                + "address is a /32 or a /128"
        }
    }

    private var nat64Prefix: String {
        switch detail.cause {
        case .tooMany: "is there more than \(number) times"
        case .hostBits: "has a bit set behind its length: write zeros there"
        case .prefixLength: "has a length of 32, 40, 48, 56, 64 or 96 bits (RFC 6052)"
        default:
            "is an IPv6 prefix, such as 2001:db8:64::/96, whose bits 64 to 71 are zero (RFC 6052)"
        }
    }

    private var proxy: String {
        switch detail.cause {
        case .userInformation:
            "--proxy has a user name before its host: take it out, and name a file by "
                + "--proxy-credentials-file"
        case .noColon: "the file that --proxy-credentials-file names has no colon: user:password"
        case .noProxy: "--proxy-credentials-file is for a proxy: give --proxy as well"
        default:
            "--proxy is http://HOST:PORT, such as http://proxy.example.com:3128: an HTTP proxy "
                + "that takes CONNECT, without path"
        }
    }

    /// What the proxy said, or that it said nothing.
    var failedProxy: KnownCause {
        let text =
            switch number {
            case 0:
                "the proxy's name resolves to no address that a proxy can have: correct --proxy, "
                    + "or see what resolves the name here"
            case 5: "the proxy's name does not resolve: correct --proxy, or see this machine's DNS"
            case 28:
                "the proxy did not connect to the provider in time: see at the proxy, or try later"
            case 1..<100:
                "the proxy cannot be reached: correct --proxy, or see that it runs and can be "
                    + "reached from here"
            case 407:
                "the proxy wants credentials, or others than it was given: name a file with "
                    + "user:password by --proxy-credentials-file"
            case 500...:
                "the proxy could not connect to the provider: see at the proxy whether it resolves "
                    + "and reaches the endpoint's host, or try later"
            default:
                "the proxy refuses to connect to the provider: allow it the endpoint's host and "
                    + "port there"
            }
        let given = "; what counts is what `tokenvault serve` was given, where that runs"
        return KnownCause(
            "nothing was sent to the provider: \(text)\(number == 28 || number >= 500 ? "" : given)"
                + (isOfExchange ? "; then run connect again" : ""))
    }
}
