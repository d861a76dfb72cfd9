// SPDX-License-Identifier: Apache-2.0

import TokenVault

// A setting is a row here and a property of `ServeSettings` with its default.
extension ServeSetting {
    /// Each of them, in the order of the documentation.
    static let all = store + front + pages + network

    private static let store: [ServeSetting] = [
        ServeSetting(
            "vault", optional: \.vault, .path(.vault), example: "/var/lib/tokenvault/vault",
            "The vault's directory; without it, the environment's TOKENVAULT_PATH."),
        ServeSetting(
            "key_file", optional: \.keyFile, .path(.key), example: "/etc/tokenvault/root.key",
            "The file with the root key; the key itself is never in this file."),
        ServeSetting(
            "drain", \.drainSeconds, .number(of: "seconds", ServeSettings.drainSecondsRange),
            "How long to wait, at the end, for answers to requests that were sent."),
        ServeSetting(
            "read_unverified", \.readsUnverified, .flag,
            "Serves a damaged vault, too: what still opens is read and lent, nothing is written."),
        ServeSetting(
            "require_locked_memory", \.requiresLockedMemory, .flag,
            "Refuses to serve if memory cannot be locked, so that no secret can reach swap."),
        ServeSetting(
            "api", optional: \.api, .api, example: "unix:/run/tokenvault/api",
            "Where the JSON API is, for programs that show a key of `tokenvault key create`."),
        ServeSetting(
            "metrics", optional: \.metrics, .address, example: "127.0.0.1:9464",
            "Where /health, /ready and /metrics are, over HTTP, for nobody but whoever watches."),
        ServeSetting(
            "log_format", \.logFormatName, .choice("text", "json"),
            "How what happens is written on stderr, a line each, without a secret."),
        ServeSetting(
            "logs_refreshes", \.logsRefreshes, .flag,
            "Keeps every refresh that worked in the vault's log, for webhooks and whoever reads "
                + "it; they push other events out."),
        ServeSetting(
            "end_notice", \.endNoticeDays, .number(of: "days", ServeSettings.endNoticeDaysRange),
            "How long before a connection's end it is told that it expires soon; 0 for never."),
    ]

    private static let front: [ServeSetting] = [
        ServeSetting(
            "listen", optional: \.front.listen, .address, example: "127.0.0.1:8080",
            "Where browsers are answered, over HTTP; without it none is."),
        ServeSetting(
            "public_url", optional: \.front.publicURL, .origin,
            example: "https://connect.example.com",
            "What browsers see instead of the address that is listened on, beside the hosts."),
        ServeSetting(
            "hosts", \.front.hosts, .hosts,
            example: """
                domain: example.com
                regions: [us, us-gov-west-1, eu-west-1, eu-west-2, ca-central-1, ap-southeast-2]
                custom_domains: [login.customer.example]
                """,
            "The hosts of the callbacks: oauth2.DOMAIN for us, oauth2.REGION.DOMAIN for the "
                + "other regions, and custom domains as they are written; no other is answered."),
        ServeSetting(
            "plain_callback_applications", \.front.plainCallbackApplications,
            .list(of: .applicationID, countMax: FrontSettings.plainCallbacksMax),
            example: "[crm]",
            "Applications that are served at the plain /callback although their provider returns "
                + "no iss (RFC 9207), so that its answer could be mixed up with another's."),
        ServeSetting(
            "success_redirects", \.front.successRedirects,
            .list(of: .redirect, countMax: FrontSettings.redirectsMax),
            example: "[https://platform.example.com/connected]",
            "Where a completed flow may be sent: each exactly as a link gives it."),
        ServeSetting(
            "failure_redirects", \.front.failureRedirects,
            .list(of: .redirect, countMax: FrontSettings.redirectsMax),
            example: "[https://platform.example.com/failed]",
            "Where a failed flow may be sent: each exactly as a link gives it."),
        ServeSetting(
            "confirmation_url", optional: \.front.confirmationURL, .redirect,
            example: "https://platform.example.com/confirm",
            "The platform's page that says whose browser came back, for flows that await its "
                + "confirmation."),
    ]

    private static let pages: [ServeSetting] = [
        ServeSetting(
            "name", optional: \.front.name, .line(byteCountMax: FrontSettings.labelBytesMax),
            example: "Example",
            "The name on every page."),
        ServeSetting(
            "logo", optional: \.front.logo,
            .path(.picture),
            example: "/etc/tokenvault/logo.svg",
            "The picture on every page: SVG, PNG, JPEG or WebP of at most 256 KiB."),
        ServeSetting(
            "back_url", optional: \.front.backURL, .url, example: "https://platform.example.com/",
            "Where every page leads back to."),
        ServeSetting(
            "back_label", optional: \.front.backLabel,
            .line(byteCountMax: FrontSettings.labelBytesMax), example: "Back to Example",
            "What that link says."),
    ]

    private static let network: [ServeSetting] = [
        ServeSetting(
            "allow_loopback_http", \.network.allowsLoopbackHTTP, .flag,
            "Lets endpoints be on this machine, over http or https: for practice servers, never "
                + "in production."),
        ServeSetting(
            "ca_file", optional: \.network.caFile, .path(.regular(bytesMax: 1 << 24)),
            example: "/etc/tokenvault/ca.pem",
            "A file of CA certificates in PEM instead of the system's."),
        ServeSetting(
            "resolve", \.network.resolve,
            .list(
                of: .network("HOST:PORT:ADDRESS, the address of this machine") {
                    $1.resolve = [$0]
                }, countMax: 256),
            example: "[\"login.example.com:443:127.0.0.1\"]",
            "Has a host name stand for an address of this machine at a port, as curl does, for "
                + "practice servers."),
        ServeSetting(
            "allow_network", \.network.allowedNetworks,
            .list(
                of: .network("a private network in CIDR notation, such as 10.20.0.0/16") {
                    $1.allowedNetworks = [$0]
                }, countMax: 64),
            example: "[10.20.0.0/16]",
            "Private networks in which providers may be; without it none is reached."),
        ServeSetting(
            "nat64_prefix", \.network.nat64Prefixes,
            .list(
                of: .network("a prefix of NAT64 (RFC 6052), such as \"2001:db8:64::/96\"") {
                    $1.nat64Prefixes = [$0]
                }, countMax: 8),
            example: "[\"2001:db8:64::/96\"]",
            "Prefixes of this network's NAT64 beside 64:ff9b::/96: an IPv6 address that begins so "
                + "is judged by the IPv4 address in it."),
        ServeSetting(
            "proxy", optional: \.network.proxy,
            .network("http://HOST:PORT") { $1.proxy = $0 },
            example: "http://proxy.example.com:3128",
            "The HTTP proxy through which providers are reached, by CONNECT."),
        ServeSetting(
            "proxy_credentials_file", optional: \.network.proxyCredentialsFile, .path(.secret),
            example: "/etc/tokenvault/proxy.secret",
            "The file with user:password for the proxy."),
    ]
}
