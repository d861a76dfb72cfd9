// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// How `serve` answers browsers.
struct FrontSettings: Sendable {
    /// The most URLs that flows may end at, of each kind.
    static let redirectsMax = 256
    /// The most applications that are served at the plain `/callback`.
    static let plainCallbacksMax = 1024
    /// The longest name and label on a page, in bytes.
    static let labelBytesMax = 64

    /// Nil where no browser is answered.
    var listen: ListenAddress?
    var publicURL: String?
    var hosts = FrontHosts()
    /// Applications that are served at the plain `/callback` although their provider does not say
    /// in its answer who it is.
    var plainCallbackApplications: [String] = []
    var successRedirects: [String] = []
    var failureRedirects: [String] = []
    var confirmationURL: String?
    var name: String?
    var logo: String?
    var backURL: String?
    var backLabel: String?
}

extension FrontSettings {
    /// Where browsers reach the front: the hosts, and `public_url`. With neither it is the address
    /// listened on, where that is this machine's, by each of its names.
    var reach: FrontReach {
        FrontReach(
            origins: configuredOrigins.isEmpty ? loopbackOrigins : configuredOrigins,
            plainCallbackApplications: plainCallbackApplications)
    }

    /// Whether `public_url` is one of the hosts, however it is written.
    var isPublicURLOfHosts: Bool {
        guard let text = publicURL?.lowercased() else { return false }
        return hosts.all.contains { text == "https://\($0)" || text == "https://\($0):443" }
    }

    private var configuredOrigins: [String] {
        hosts.all.map { "https://\($0)" } + (publicURL.map { [$0] } ?? [])
    }

    private var loopbackOrigins: [String] {
        guard let listen, listen.port != 0, ListenAddress.loopbackHosts.contains(listen.host)
        else { return [] }
        let others = ListenAddress.loopbackHosts.subtracting([listen.host]).sorted()
        return ([listen.host] + others).map { host in
            "http://\(ListenAddress(host: host, port: listen.port).text)"
        }
    }
}
